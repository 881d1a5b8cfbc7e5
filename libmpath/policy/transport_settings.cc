// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/transport_settings.h"

namespace mpath::policy {

namespace {

/// Without fast_io_fail_tmo the kernel blocks I/O to a lost port all the time, and takes no longer limit (scsi_transport_fc).
constexpr seconds longest_block{600};

/// How long the map can hold I/O back, and a little more for the port to return; 0 if it does not.
seconds least_dev_loss(const NoPathRetry& retry, seconds polling_interval) {
  switch (retry.kind) {
    case NoPathRetry::Kind::undefined:
    case NoPathRetry::Kind::fail: return seconds{0};
    case NoPathRetry::Kind::queue: return dev_loss_infinity;
    case NoPathRetry::Kind::checks: break;
  }
  seconds held = polling_interval * static_cast<std::int64_t>(retry.checks);
  if (held >= dev_loss_infinity) return dev_loss_infinity;
  return std::min(held + held / 60 + seconds{5}, dev_loss_infinity);
}

std::string text_of(const TransportLimit& limit) {
  return limit.kind == TransportLimit::Kind::off ? "off" : std::to_string(limit.value);
}

bool is_number_above_zero(const TransportLimit& limit) { return limit.kind == TransportLimit::Kind::value && limit.value > 0; }

class Writes {
 public:
  Writes(const PathFacts& facts, const TransportWishes& wishes, std::vector<TransportRemark>& remarks)
      : facts_(facts), wishes_(wishes), remarks_(remarks) {}

  std::vector<SysfsWrite> make(std::optional<seconds> dev_loss_now) {
    if (wishes_.empty || facts_.bus != Bus::scsi || !facts_.address) return {};
    if (wishes_.max_retries.kind != TransportLimit::Kind::unset) {
      bool off = wishes_.max_retries.kind == TransportLimit::Kind::off;
      add("class/scsi_disk/" + to_string(*facts_.address), "max_retries", off ? "-1" : text_of(wishes_.max_retries));
    }
    if (!facts_.transport_device.empty()) {
      if (facts_.protocol == Protocol::scsi_fcp) remote_port(dev_loss_now);
      if (facts_.protocol == Protocol::scsi_iscsi && is_number_above_zero(wishes_.fast_io_fail_tmo)) {
        add("class/iscsi_session/" + facts_.transport_device, "recovery_tmo", text_of(wishes_.fast_io_fail_tmo));
      }
      if (facts_.protocol == Protocol::scsi_sas && wishes_.dev_loss_tmo) {
        add("class/sas_end_device/" + facts_.transport_device, "I_T_nexus_loss_timeout", std::to_string(wishes_.dev_loss_tmo->count()));
      }
    }
    if (wishes_.eh_deadline.kind != TransportLimit::Kind::unset) {
      add(fmt::format("class/scsi_host/host{}", facts_.address->host), "eh_deadline", text_of(wishes_.eh_deadline));
    }
    return std::move(writes_);
  }

 private:
  void add(std::string object, std::string attribute, std::string value) {
    writes_.push_back({std::move(object), std::move(attribute), std::move(value)});
  }

  void remote_port(std::optional<seconds> dev_loss_now) {
    std::string object = "class/fc_remote_ports/" + facts_.transport_device;
    const TransportLimit& fast = wishes_.fast_io_fail_tmo;
    std::optional<seconds> dev_loss = wishes_.dev_loss_tmo;
    if (is_number_above_zero(fast)) {
      if (dev_loss_now && seconds{fast.value} >= *dev_loss_now) {
        add(object, "dev_loss_tmo", std::to_string(std::int64_t{fast.value} + 1));
      }
    } else if (dev_loss > longest_block && !wishes_.queues_for_ever) {
      remarks_.push_back({true, fmt::format("dev_loss_tmo {} is limited to {}: fast_io_fail_tmo is not set", dev_loss->count(),
                                            longest_block.count())});
      dev_loss = longest_block;
    }
    if (fast.kind != TransportLimit::Kind::unset) add(object, "fast_io_fail_tmo", text_of(fast));
    if (dev_loss) add(object, "dev_loss_tmo", std::to_string(dev_loss->count()));
  }

  const PathFacts& facts_;
  const TransportWishes& wishes_;
  std::vector<TransportRemark>& remarks_;
  std::vector<SysfsWrite> writes_;
};

}  // namespace

TransportWishes transport_wishes(const config::PathSettings& path, const NoPathRetry& no_path_retry, seconds polling_interval,
                                 std::vector<TransportRemark>& remarks) {
  TransportWishes wishes{.fast_io_fail_tmo = path.fast_io_fail_tmo.value,
                         .dev_loss_tmo = path.dev_loss_tmo.value,
                         .eh_deadline = path.eh_deadline.value,
                         .max_retries = path.max_retries.value,
                         .queues_for_ever = no_path_retry.kind == NoPathRetry::Kind::queue};
  auto unset = [](const TransportLimit& limit) { return limit.kind == TransportLimit::Kind::unset; };
  wishes.empty = unset(wishes.fast_io_fail_tmo) && !wishes.dev_loss_tmo && unset(wishes.eh_deadline) && unset(wishes.max_retries);
  if (wishes.empty) return wishes;
  if (seconds least = least_dev_loss(no_path_retry, polling_interval); least > wishes.dev_loss_tmo.value_or(seconds{0})) {
    if (wishes.dev_loss_tmo) {
      remarks.push_back({true, fmt::format("dev_loss_tmo {} becomes {}: with this no_path_retry the port must stay known for so long",
                                           wishes.dev_loss_tmo->count(), least.count())});
    }
    wishes.dev_loss_tmo = least;
  }
  if (is_number_above_zero(wishes.fast_io_fail_tmo) && wishes.dev_loss_tmo &&
      seconds{wishes.fast_io_fail_tmo.value} >= *wishes.dev_loss_tmo) {
    remarks.push_back({false, fmt::format("fast_io_fail_tmo {} is switched off: it is not below dev_loss_tmo {}",
                                          wishes.fast_io_fail_tmo.value, wishes.dev_loss_tmo->count())});
    wishes.fast_io_fail_tmo = {.kind = TransportLimit::Kind::off};
  }
  return wishes;
}

bool has_transport_timeouts(Protocol protocol) {
  return protocol == Protocol::scsi_fcp || protocol == Protocol::scsi_iscsi || protocol == Protocol::scsi_sas;
}

std::optional<SysfsWrite> dev_loss_attribute(const PathFacts& facts) {
  if (facts.protocol != Protocol::scsi_fcp || facts.transport_device.empty()) return std::nullopt;
  return SysfsWrite{"class/fc_remote_ports/" + facts.transport_device, "dev_loss_tmo", {}};
}

std::vector<SysfsWrite> transport_writes(const PathFacts& facts, const TransportWishes& wishes, std::optional<seconds> dev_loss_now,
                                         std::vector<TransportRemark>& remarks) {
  return Writes(facts, wishes, remarks).make(dev_loss_now);
}

}  // namespace mpath::policy
