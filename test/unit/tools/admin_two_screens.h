// SPDX-License-Identifier: Apache-2.0
// What the official tool prints for two nodes, each table with the empty line behind it.
#pragma once

// clang-format off
static const char two_network[] =
    "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~Network Information (2026-01-02 03:04:05 UTC)~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
    "               Node|         Node ID|           IP|    Build|Migrations|~~~~~~~~~~~~~~~~~~Cluster~~~~~~~~~~~~~~~~~~|Client|  Uptime\n"
    "                   |                |             |         |          |Size|         Key|Integrity|      Principal| Conns|        \n"
    "node1.example:3000 | BB90500000A4202|10.0.0.5:3000|C-8.1.1.0|   0.000  |   2|851A3ED82B1F|True     |BB90600000A4202|     6|01:06:50\n"
    "*node2.example:3000|*BB90600000A4202|10.0.0.6:3000|C-8.1.1.0|   0.000  |   2|851A3ED82B1F|True     |BB90600000A4202|     6|01:06:50\n"
    "Number of rows: 2\n"
    "\n";

static const char two_usage[] =
    "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~Namespace Usage Information (2026-01-02 03:04:05 UTC)~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
    "Namespace|               Node|Evictions|  Stop|~System Memory~|~~~~Primary Index~~~~|~Secondary Index~|~~~~~~~~~~~~~~~~~~~Storage Engine~~~~~~~~~~~~~~~~~~~\n"
    "         |                   |         |Writes| Avail%|  Stop%| Type|    Used|Evict%|  Type|      Used|  Type|      Used|  Used%|Evict%|  Used|Avail%|Avail\n"
    "         |                   |         |      |       |       |     |        |      |      |          |      |          |       |      | Stop%|      |Stop%\n"
    "test     |node1.example:3000 |  0.000  |False |     81| 90.0 %|shmem|0.000 B | 0.0 %|shmem | 16.000 MB|memory|700.000 MB|34.18 %| 0.0 %|70.0 %|99.0 %|5.0 %\n"
    "test     |*node2.example:3000|  0.000  |False |     81| 90.0 %|shmem|0.000 B | 0.0 %|shmem | 16.000 MB|memory|700.000 MB|34.18 %| 0.0 %|70.0 %|99.0 %|5.0 %\n"
    "test     |                   |  0.000  |      |       |       |     |0.000 B |      |      | 32.000 MB|      |  1.367 GB|34.18 %|      |      |      |     \n"
    "Number of rows: 2\n"
    "\n";

static const char two_object[] =
    "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~Namespace Object Information (2026-01-02 03:04:05 UTC)~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
    "Namespace|               Node|Rack|  Repl|Expirations|   Total|~~~~~~~~~~~Objects~~~~~~~~~~~|~~~~~~~~~Tombstones~~~~~~~~|~~~~Pending~~~~\n"
    "         |                   |  ID|Factor|           | Records|  Master|   Prole|Non-Replica| Master|  Prole|Non-Replica|~~~~Migrates~~~\n"
    "         |                   |    |      |           |        |        |        |           |       |       |           |     Tx|     Rx\n"
    "test     |node1.example:3000 |   0|     2|    0.000  |12.000 K| 6.000 K| 6.000 K|    0.000  |0.000  |0.000  |    0.000  |0.000  |0.000  \n"
    "test     |*node2.example:3000|   0|     2|    0.000  |12.000 K| 6.000 K| 6.000 K|    0.000  |0.000  |0.000  |    0.000  |0.000  |0.000  \n"
    "test     |                   |    |      |    0.000  |24.000 K|12.000 K|12.000 K|    0.000  |0.000  |0.000  |    0.000  |0.000  |0.000  \n"
    "Number of rows: 2\n"
    "\n";

static const char two_set[] =
    "~~~~~~~~~~~~~~~~~~~~~~~Set Information (2026-01-02 03:04:05 UTC)~~~~~~~~~~~~~~~~~~~~~~~~\n"
    "Namespace| Set|               Node|   Storage|~~Size~~|   Total|~Records~| Disable|  Set\n"
    "         |    |                   |    Engine|~Quota~~| Records|~~Quota~~|Eviction|Index\n"
    "         |    |                   |      Used|   Total|        |    Total|        |     \n"
    "test     |demo|node1.example:3000 |700.000 MB|0.000 B |12.000 K|        0|False   |No   \n";

static const char two_service[] =
    "~~~~~~~~Service Statistics (2026-01-02 03:04:05 UTC)~~~~~~~\n"
    "Node              |node1.example:3000|*node2.example:3000\n"
    "client_connections|6                 |6                  \n"
    "cluster_key       |851A3ED82B1F      |851A3ED82B1F       \n"
    "uptime            |4010              |4010               \n"
    "Number of rows: 4\n"
    "\n";

static const char two_flip[] =
    "~Service Configuration (2026-01-02 03:04:05 UTC)~\n"
    "               Node|proto-fd-max|ticker-interval\n"
    "node1.example:3000 |       15000|             10\n"
    "*node2.example:3000|       15000|             10\n"
    "Number of rows: 2\n"
    "\n";

static const char two_latency[] =
    "~~~~~~~~~~~~~~Latency  (2026-01-02 03:04:05 UTC)~~~~~~~~~~~~~~\n"
    "Namespace|Histogram|              Node|ops/sec|>1ms|>8ms|>64ms\n"
    "test     |read     |node1.example:3000| 5234.4|0.54|0.02|  0.0\n"
    "test     |read     |node2.example:3000| 5234.4|0.54|0.02|  0.0\n"
    "         |         |                  |10468.8|0.54|0.02|  0.0\n"
    "Number of rows: 2\n"
    "\n";

static const char two_roster[] =
    "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~Roster (2026-01-02 03:04:05 UTC)~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
    "               Node|         Node ID|Namespace|Current|Pending|                 Observed Nodes\n"
    "                   |                |         | Roster| Roster|                               \n"
    "node1.example:3000 |BB90500000A4202 |test     |--     |--     |BB90500000A4202,BB90600000A4202\n";

static const char two_nssummary[] =
    "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~Namespace Summary~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
    "Namespace|~~~~Drives~~~~|~~Shmem~~|~~~~~~Data Memory~~~~~~|Replication|  Master|Compression|~License~\n"
    "         |Total|Per-Node|~~Sindex~|   Total|  Used%|Avail%|    Factors| Objects|      Ratio|~~Usage~~\n"
    "         |     |        |     Used|        |       |      |           |        |           |   Latest\n"
    "test     |    2|       1|32.000 MB|4.000 GB|34.18 %|99.0 %|          2|12.000 K|        1.0|1.367 GB \n"
    "Number of rows: 1\n"
    "\n";

// clang-format on
