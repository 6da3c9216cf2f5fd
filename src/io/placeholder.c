// SPDX-License-Identifier: Apache-2.0
typedef int io_room_is_empty;
