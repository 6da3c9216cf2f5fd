// SPDX-License-Identifier: Apache-2.0
typedef int client_room_is_empty;
