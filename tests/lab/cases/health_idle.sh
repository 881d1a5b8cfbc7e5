# timeout: 720
# cpus: 1
# label: long
# SPDX-License-Identifier: LGPL-2.1-or-later
# A daemon without maps does nothing for ten minutes. (health_cost.sh does the same for one.)

idle_daemon 600
note "done"
