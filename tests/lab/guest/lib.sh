# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab's library: every bash of a lab script has these functions (BASH_ENV). See tests/lab/README.md.
for lab_part in san faults probes wait; do
  . "/lab/guest/$lab_part.sh"
done
unset lab_part
