# timeout: 300
# memory: 2048
# udev: fast
# SPDX-License-Identifier: LGPL-2.1-or-later
# 256 paths, of which a quarter hangs (guest/many.sh).

many_paths 64
