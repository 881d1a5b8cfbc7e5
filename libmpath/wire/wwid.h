// SPDX-License-Identifier: LGPL-2.1-or-later
// WWIDs that arrive as text (udev properties, sysfs attributes), brought to the form that is stored. Pure,
// any thread.
#pragma once

#include <string_view>

#include "libmpath/model/ids.h"

namespace mpath::wire {

struct NormalisedWwid {
  Wwid wwid;
  bool was_cut = false;  ///< it was longer than limits::wwid_bytes and lost its end: worth an error message
};

/// `text` without trailing blanks and at most limits::wwid_bytes long. A longer `nvme.VVVV-SERIAL-MODEL-NSID`
/// first loses the hexadecimal zero padding (pairs "00") of serial and model, which some kernels produced.
[[nodiscard]] NormalisedWwid normalise_wwid(std::string_view text);

/// The WWID in a DASD's sysfs attribute `uid`: the part before its fourth dot.
[[nodiscard]] NormalisedWwid dasd_wwid(std::string_view uid);

/// Whether the WWID can be written into the state files and used as a file name: not empty, at most
/// limits::wwid_bytes printable ASCII bytes without blank and '/', not "." or "..".
[[nodiscard]] bool is_storable(const Wwid& wwid);

}  // namespace mpath::wire
