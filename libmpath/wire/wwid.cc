// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/wwid.h"

#include <algorithm>
#include <string>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"

namespace mpath::wire {

namespace {

constexpr std::string_view nvme_prefix = "nvme.";

std::string_view without_zero_pairs(std::string_view hex) {
  while (hex.size() >= 2 && hex.size() % 2 == 0 && hex.ends_with("00")) hex.remove_suffix(2);
  return hex;
}

/// The text without the padding, or unchanged if it is not of the form nvme.VVVV-SERIAL-MODEL-NSID.
std::string without_nvme_padding(std::string_view text) {
  if (!text.starts_with(nvme_prefix)) return std::string(text);
  auto fields = split(text.substr(nvme_prefix.size()), '-');
  auto is_hex = [](std::string_view field) {
    return std::ranges::all_of(field, [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
  };
  if (fields.size() != 4 || fields[0].size() != 4 || !std::ranges::all_of(fields, is_hex))
    return std::string(text);
  std::string result(nvme_prefix);
  result.append(fields[0]).append("-").append(without_zero_pairs(fields[1])).append("-");
  result.append(without_zero_pairs(fields[2])).append("-").append(fields[3]);
  return result;
}

}  // namespace

NormalisedWwid normalise_wwid(std::string_view text) {
  std::string wwid(trim_right(text));
  if (wwid.size() > limits::wwid_bytes) wwid = without_nvme_padding(wwid);
  bool was_cut = wwid.size() > limits::wwid_bytes;
  if (was_cut) wwid = trim_right(std::string_view(wwid).substr(0, limits::wwid_bytes));
  return {Wwid{std::move(wwid)}, was_cut};
}

NormalisedWwid dasd_wwid(std::string_view uid) {
  std::size_t end = 0;
  for (int dots = 0; end < uid.size(); ++end) {
    if (uid[end] == '.' && ++dots == 4) break;
  }
  return normalise_wwid(uid.substr(0, end));
}

bool is_storable(const Wwid& wwid) {
  if (wwid.empty() || wwid.text.size() > limits::wwid_bytes || wwid.text == "." || wwid.text == "..")
    return false;
  return std::ranges::all_of(wwid.text, [](char c) { return c > ' ' && c <= '~' && c != '/'; });
}

}  // namespace mpath::wire
