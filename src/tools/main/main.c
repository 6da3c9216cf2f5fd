// SPDX-License-Identifier: Apache-2.0
// The bill of materials of a node.
int main(void)
{
    return 0;
}
