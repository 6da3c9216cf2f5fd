// SPDX-License-Identifier: Apache-2.0
typedef int tools_room_is_empty;
