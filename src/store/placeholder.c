// SPDX-License-Identifier: Apache-2.0
typedef int store_room_is_empty;
