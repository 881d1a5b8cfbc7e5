# timeout: 560
# cpus: 2
# memory: 2048
# udev: fast
# label: long
# SPDX-License-Identifier: LGPL-2.1-or-later
# 1,024 paths, of which a quarter hangs (guest/many.sh).

many_paths 256
