// SPDX-License-Identifier: LGPL-2.1-or-later
// Precedence of the sections, defaults, and the rules by which settings depend on each other.
#include "libmpath/config/effective.h"

#include <gtest/gtest.h>

#include "libmpath/config/config.h"
#include "libmpath/config/parser.h"

namespace mpath::config {
namespace {

Resolver resolver(std::string text, bool hardware_table = true) {
  const SourceFile file{"mp.conf", std::move(text), FileKind::main};
  ParseOptions options;
  options.hardware_table = hardware_table;
  const ParseResult result = parse(std::span(&file, 1), options);
  EXPECT_FALSE(result.fatal);
  return Resolver(result.config);
}

const PathIdentity acme{"ACME", "Disk", "1", "scsi:fcp", "sdb", "3600"};
const PathIdentity unknown{"NOBODY", "Nothing", std::nullopt, "scsi:sas", "sdc", "3601"};

constexpr std::string_view every_section =
    "defaults {\n failback 1\n prio p_def\n fast_io_fail_tmo 1\n no_path_retry 1\n path_checker c_def\n}\n"
    "devices {\n device {\n vendor ACME\n product Disk\n failback 2\n prio p_dev\n fast_io_fail_tmo 2\n no_path_retry 2\n path_checker c_dev\n }\n}\n"
    "overrides {\n failback 3\n prio p_ovr\n fast_io_fail_tmo 3\n no_path_retry 3\n path_checker c_ovr\n"
    " protocol {\n type scsi:fcp\n fast_io_fail_tmo 4\n }\n}\n"
    "multipaths {\n multipath {\n wwid 3600\n failback 5\n prio p_mp\n no_path_retry 5\n }\n}\n";

TEST(Precedence, EverySectionInItsPlace) {
  Resolver all = resolver(std::string(every_section), false);
  const auto path = all.path(acme);
  const auto map = all.map("3600", acme);
  EXPECT_EQ(map->failback.value, (Failback{Failback::Kind::after, seconds{5}}));
  EXPECT_EQ(map->failback.origin, (Origin{Layer::multipaths, 0, 33}));
  EXPECT_EQ(map->no_path_retry.value.checks, 5u);
  EXPECT_EQ(path->prio.value, "p_mp");
  EXPECT_EQ(path->path_checker.value, "c_ovr");
  EXPECT_EQ(path->devices_checker, "c_dev");
  EXPECT_EQ(path->fast_io_fail_tmo.value.value, 4u);
  EXPECT_EQ(path->fast_io_fail_tmo.origin.layer, Layer::protocol);

  // Another WWID, transport and product: one section less each time.
  PathIdentity other = acme;
  other.wwid = "x";
  other.protocol = "scsi:iscsi";
  EXPECT_EQ(all.path(other)->prio.value, "p_ovr");
  EXPECT_EQ(all.path(other)->fast_io_fail_tmo.value.value, 3u);
  EXPECT_EQ(all.map("x", other)->failback.value.delay, seconds{3});

  std::string without_overrides(every_section);
  without_overrides.replace(without_overrides.find("overrides"), 9, "overridez");
  Resolver fewer = resolver(without_overrides, false);
  EXPECT_EQ(fewer.path(other)->prio.value, "p_dev");
  EXPECT_EQ(fewer.map("x", other)->failback.value.delay, seconds{2});
  EXPECT_EQ(fewer.path(unknown)->prio.value, "p_def");
  EXPECT_EQ(fewer.map("y", unknown)->failback.origin, (Origin{Layer::defaults, 0, 2}));
}

TEST(Precedence, BuiltInDefaults) {
  Resolver none = resolver("");
  const auto path = none.path(unknown);
  const auto map = none.map("3601", unknown);
  EXPECT_EQ(path->uid_attribute.value, "ID_SERIAL");
  EXPECT_EQ(path->path_checker.value, "tur");
  EXPECT_EQ(path->prio.value, "const");
  EXPECT_TRUE(path->detect_prio.value);
  EXPECT_TRUE(path->detect_checker.value);
  EXPECT_EQ(path->fast_io_fail_tmo.value, (TransportLimit{TransportLimit::Kind::value, 5}));
  EXPECT_FALSE(path->dev_loss_tmo.value);
  EXPECT_EQ(path->eh_deadline.value.kind, TransportLimit::Kind::unset);
  EXPECT_FALSE(path->hardware_entry_matches);
  EXPECT_EQ(map->path_grouping_policy.value, PathGroupingPolicy::failover);
  EXPECT_EQ(map->path_selector.value, "service-time 0");
  EXPECT_EQ(map->failback.value.kind, Failback::Kind::manual);
  EXPECT_EQ(map->no_path_retry.value.kind, NoPathRetry::Kind::undefined);
  EXPECT_EQ(map->features.value, "0");
  EXPECT_EQ(map->hardware_handler.value, "0");
  EXPECT_EQ(map->rr_min_io_rq.value, 1u);
  EXPECT_EQ(map->flush_on_last_del.value, FlushOnLastDel::unused);
  EXPECT_FALSE(map->alias.value);
  EXPECT_FALSE(map->mode.value);
  EXPECT_EQ(map->reservation_key.value.kind, ReservationKey::Kind::unset);
  EXPECT_EQ(describe(none.config(), map->features.origin), "built-in default");
  EXPECT_EQ(none.daemon().find_multipaths.value, FindMultipaths::strict);
  EXPECT_EQ(none.daemon().find_multipaths_timeout.value, seconds{-10});
  EXPECT_EQ(none.daemon().uxsock_timeout.value, milliseconds{4000});
  EXPECT_FALSE(none.daemon().max_fds.value);
}

TEST(Precedence, HardwareTable) {
  Resolver table = resolver("");
  const PathIdentity netapp{"NETAPP", "LUN C-Mode", "9000", "scsi:fcp", "sda", ""};
  const auto map = table.map("x", netapp);
  EXPECT_EQ(map->path_grouping_policy.value, PathGroupingPolicy::group_by_prio);
  EXPECT_EQ(map->no_path_retry.value.kind, NoPathRetry::Kind::queue);
  EXPECT_EQ(map->no_path_retry.origin.layer, Layer::hardware_table);
  EXPECT_TRUE(describe(table.config(), map->no_path_retry.origin).starts_with("hardware table:"));
  EXPECT_EQ(table.path(netapp)->dev_loss_tmo.value, dev_loss_infinity);
  EXPECT_TRUE(table.path(netapp)->hardware_entry_matches);
  const PathIdentity nvme{"NVME", "Pure Storage FlashArray", std::nullopt, "nvme:tcp", "nvme0n1", ""};
  EXPECT_EQ(table.path(nvme)->uid_attribute.value, "ID_WWN");  // from the general entry
  EXPECT_EQ(table.map("y", nvme)->no_path_retry.value.checks, 10u);
  const PathIdentity qsan{"Qsan", "F600Q", "1", "scsi:fcp", "sda", ""};
  EXPECT_EQ(table.path(qsan)->prio.value, "const");
  EXPECT_EQ(table.path(qsan)->prio_args.value, "") << "arguments without a prio do not count";
}

TEST(Precedence, PrioArgumentsComeFromTheSectionOfPrio) {
  const std::string two_entries =
      "devices {\n device {\n vendor ACME\n product Disk\n prio_args args1\n }\n device {\n vendor ACME\n product .*\n prio alua\n }\n}\n";
  Resolver entries = resolver(two_entries, false);
  EXPECT_EQ(entries.path(acme)->prio.value, "alua");
  EXPECT_EQ(entries.path(acme)->prio_args.value, "args1") << "within devices they may come from different entries";
  Resolver sections = resolver("defaults {\n prio_args d\n}\noverrides {\n prio weightedpath\n}\n", false);
  EXPECT_EQ(sections.path(acme)->prio_args.value, "");
}

TEST(Precedence, ZeroMeansTheNextSectionDecides) {
  Resolver zero = resolver("defaults {\n failback 7\n}\noverrides {\n failback 5\n failback 0\n}\n", false);
  EXPECT_EQ(zero.map("x", acme)->failback.value.delay, seconds{7});
}

TEST(Precedence, EqualPathsShareOneResult) {
  Resolver shared = resolver("");
  PathIdentity second = unknown;
  second.kernel_name = "sdx";
  second.wwid = "other";
  EXPECT_EQ(shared.path(unknown), shared.path(second));
  EXPECT_EQ(shared.map("a", unknown), shared.map("b", second));
}

TEST(Settings, UidAttrs) {
  Resolver uid = resolver("defaults {\n uid_attrs \"sd:ID_A junk nvme:ID_B sdc:ID_C\"\n}\noverrides {\n uid_attribute ID_O\n}\n", false);
  EXPECT_EQ(uid.path(unknown)->uid_attribute.value, "ID_A") << "records are tried in order";
  EXPECT_EQ(uid.path(unknown)->uid_attribute.origin.layer, Layer::uid_attrs);
  PathIdentity dasd = unknown;
  dasd.kernel_name = "dasda";
  EXPECT_EQ(uid.path(dasd)->uid_attribute.value, "ID_O");
  EXPECT_EQ(uid.daemon().uid_attrs.value.size(), 3u);
}

TEST(Settings, PollingIntervals) {
  const struct {
    std::string text;
    int shortest, longest;
  } cases[] = {
      {"", 5, 20},
      {"polling_interval 10\n", 10, 40},
      {"max_polling_interval 60\n", 15, 60},
      {"max_polling_interval 3\n", 1, 3},
      {"polling_interval 30\nmax_polling_interval 10\n", 10, 10},
      {"polling_interval 7\nmax_polling_interval 100\n", 7, 100},
      {"polling_interval 0\n", 5, 20},
      {"max_polling_interval 0\n", 5, 20},
  };
  for (const auto& c : cases) {
    Resolver r = resolver("defaults {\n" + c.text + "}\n");
    EXPECT_EQ(r.daemon().polling_interval.value, seconds{c.shortest}) << c.text;
    EXPECT_EQ(r.daemon().max_polling_interval.value, seconds{c.longest}) << c.text;
  }
  Resolver large = resolver("defaults {\npolling_interval 4294967295\n}\n");
  EXPECT_EQ(large.daemon().max_polling_interval.value, seconds{4294967294}) << "saturates";
}

TEST(Settings, FeaturesAndNoPathRetry) {
  const struct {
    std::string text, features;
    NoPathRetry::Kind retry;
  } cases[] = {
      {"features \"1 queue_if_no_path\"\n", "0", NoPathRetry::Kind::queue},
      {"features \"1 queue_if_no_path\"\nno_path_retry fail\n", "0", NoPathRetry::Kind::fail},
      {"features \"3 pg_init_retries 50 queue_if_no_path\"\n", "2 pg_init_retries 50", NoPathRetry::Kind::queue},
      {"features \"1 retain_attached_hw_handler\"\n", "0", NoPathRetry::Kind::undefined},
      {"features \"2 queue_mode bio\"\n", "2 queue_mode bio", NoPathRetry::Kind::undefined},
  };
  for (const auto& c : cases) {
    Resolver r = resolver("defaults {\n" + c.text + "}\n");
    const auto map = r.map("x", unknown);
    EXPECT_EQ(map->features.value, c.features);
    EXPECT_EQ(map->no_path_retry.value.kind, c.retry) << c.text;
  }
}

TEST(Settings, RecheckWwidOnlyWhereItCanBeDone) {
  const std::string on = "defaults {\n recheck_wwid yes\n}\n";
  const struct {
    std::string text, protocol;
    bool expected;
  } cases[] = {
      {on, "scsi:fcp", true},
      {on, "nvme:tcp", false},
      {on + "overrides {\n uid_attribute ID_X\n}\n", "scsi:fcp", false},
      {on + "overrides {\n uid_attribute \"\"\n}\n", "scsi:fcp", true},
      {"", "scsi:fcp", false},
  };
  for (const auto& c : cases) {
    Resolver r = resolver(c.text);
    PathIdentity path = unknown;
    path.protocol = c.protocol;
    EXPECT_EQ(r.path(path)->recheck_wwid.value, c.expected) << c.text << c.protocol;
  }
}

struct MarginalCase {
  std::string text;
  bool active, san_active;
};
TEST(Settings, ShakyPathMethods) {
  const std::string marginal =
      "marginal_path_double_failed_time 60\nmarginal_path_err_sample_time 30\nmarginal_path_err_recheck_gap_time 300\n";
  const std::string san = "san_path_err_threshold 3\nsan_path_err_forget_rate 5\nsan_path_err_recovery_time 60\n";
  const MarginalCase cases[] = {
      {"", false, false},
      {marginal, true, false},
      {marginal + "marginal_path_err_rate_threshold 10\n", true, false},
      {marginal + "marginal_path_err_rate_threshold no\n", false, false},
      {"marginal_path_double_failed_time 60\n", false, false},
      {san, false, true},
      {"san_path_err_threshold 3\n", false, false},
      {marginal + san, true, false},
      {marginal + "marginal_pathgroups fpin\n", false, false},
      {san + "marginal_pathgroups fpin\n", false, false},
      {"delay_watch_checks 12\ndelay_wait_checks 5\n", false, true},
      {"delay_watch_checks 12\n", false, false},
      {"delay_watch_checks 12\ndelay_wait_checks 5\nsan_path_err_threshold 3\n", false, false},
  };
  for (const MarginalCase& c : cases) {
    Resolver r = resolver("defaults {\n" + c.text + "}\n");
    const MarginalSettings settings = r.map("x", unknown)->marginal;
    EXPECT_EQ(settings.active, c.active) << c.text;
    EXPECT_EQ(settings.san_active, c.san_active) << c.text;
    if (!settings.active) continue;
    EXPECT_EQ(settings.err_sample_time.value, seconds{120}) << "short samples are raised";
    EXPECT_EQ(settings.san_err_threshold.value, 0u);
  }
  Resolver delay = resolver("defaults {\npolling_interval 5\ndelay_watch_checks 12\ndelay_wait_checks 3\n}\n");
  const MarginalSettings settings = delay.map("x", unknown)->marginal;
  EXPECT_EQ(settings.san_err_threshold.value, 1u);
  EXPECT_EQ(settings.san_err_forget_rate.value, 12u);
  EXPECT_EQ(settings.san_err_recovery_time.value, seconds{60}) << "checks times the longest interval";
  EXPECT_EQ(settings.san_err_recovery_time.origin.layer, Layer::derived);
}

TEST(Settings, MapOnly) {
  Resolver r = resolver(
      "defaults {\n mode 0640\n reservation_key 0x1:aptpl\n alias_prefix san\n}\n"
      "multipaths {\n multipath {\n wwid w\n alias data\n uid 4\n gid 5\n reservation_key file\n }\n}\n");
  const auto map = r.map("w", unknown);
  EXPECT_EQ(map->alias.value, "data");
  EXPECT_EQ(map->mode.value, 0640u);
  EXPECT_EQ(map->uid.value, 4u);
  EXPECT_EQ(map->gid.value, 5u);
  EXPECT_EQ(map->reservation_key.value.kind, ReservationKey::Kind::from_file);
  EXPECT_EQ(map->alias_prefix.value, "san");
  const auto other = r.map("v", unknown);
  EXPECT_FALSE(other->alias.value);
  EXPECT_EQ(other->reservation_key.value, (ReservationKey{ReservationKey::Kind::key, 1, true}));
  EXPECT_TRUE(other->retain_attached_hw_handler.value);
}

}  // namespace
}  // namespace mpath::config
