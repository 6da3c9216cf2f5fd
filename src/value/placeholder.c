// SPDX-License-Identifier: Apache-2.0
typedef int value_room_is_empty;
