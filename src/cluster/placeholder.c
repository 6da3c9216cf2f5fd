// SPDX-License-Identifier: Apache-2.0
// Holds the room open until its first unit is there.
extern int room_is_open;
