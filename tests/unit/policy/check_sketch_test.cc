// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/check_sketch.h"

#include <gtest/gtest.h>

namespace mpath::policy {
namespace {

constexpr MonoTime start{minutes{100}};

TEST(CheckSketch, BucketsHoldWhatTheirEndsSay) {
  for (std::size_t bucket = 0; bucket + 1 < sketch_buckets; ++bucket) {
    EXPECT_EQ(sketch_bucket(sketch_bucket_end(bucket) - microseconds{1}), bucket);
    EXPECT_EQ(sketch_bucket(sketch_bucket_end(bucket)), bucket + 1);
    double growth = static_cast<double>(sketch_bucket_end(bucket + 1).count()) / static_cast<double>(sketch_bucket_end(bucket).count());
    EXPECT_NEAR(growth, 1.414, 0.02) << bucket;
  }
  EXPECT_EQ(sketch_bucket(Duration{0}), 0U);
  EXPECT_EQ(sketch_bucket(Duration{-5}), 0U);
  EXPECT_EQ(sketch_bucket(std::chrono::hours{5}), sketch_buckets - 1);
}

TEST(CheckSketch, KnowsMedianAndTail) {
  CheckSketch sketch;
  for (int i = 0; i < 90; ++i) sketch.add(start, milliseconds{1});
  for (int i = 0; i < 9; ++i) sketch.add(start, milliseconds{40});
  sketch.add(start, seconds{2});
  CheckFigures figures = sketch.figures(start);
  EXPECT_EQ(figures.answers, 100U);
  EXPECT_GE(figures.p50, milliseconds{1});
  EXPECT_LE(figures.p50, microseconds{1500});
  EXPECT_GE(figures.p99, milliseconds{40});
  EXPECT_LE(figures.p99, milliseconds{60});
  sketch.add(start, milliseconds{1900});
  EXPECT_EQ(sketch.figures(start).p99, seconds{2}) << "never more than the longest";
}

TEST(CheckSketch, WhatIsOlderThanTheWindowIsForgotten) {
  CheckSketch sketch;
  sketch.add(start, seconds{1});
  sketch.add_error(start);
  EXPECT_EQ(sketch.figures(start + minutes{4}).answers, 1U);
  EXPECT_EQ(sketch.figures(start + minutes{5}), CheckFigures{});
  sketch.add(start + minutes{5}, milliseconds{1});
  EXPECT_EQ(sketch.figures(start + minutes{5}).errors, 0U) << "the place of the old minute is used again";
  EXPECT_EQ(sketch.figures_of(sketch_slice_number(start)), CheckFigures{});
  EXPECT_EQ(sketch.figures_of(sketch_slice_number(start + minutes{5})).answers, 1U);
}

TEST(CheckSketch, LateAnswersCountButAreNotUsual) {
  CheckSketch sketch;
  for (int i = 0; i < 10; ++i) sketch.add(start, milliseconds{2});
  sketch.add_late(start, seconds{8});
  CheckFigures figures = sketch.figures(start);
  EXPECT_EQ(figures.answers, 11U);
  EXPECT_EQ(figures.late, 1U);
  EXPECT_EQ(figures.p99, seconds{8});
  UsualRoundTrip usual;
  EXPECT_FALSE(usual.is_known());
  usual.add(sketch, start);
  EXPECT_TRUE(usual.is_known());
  EXPECT_LE(usual.p99(), milliseconds{3});
}

TEST(CheckSketch, CountsStopAndNeverWrap) {
  CheckSketch sketch;
  for (int i = 0; i < 1000; ++i) sketch.add(start, milliseconds{1});
  EXPECT_EQ(sketch.figures(start).answers, 255U);
  for (int i = 0; i < 70000; ++i) sketch.add_error(start);
  EXPECT_EQ(sketch.figures(start).errors, 65535U);
}

TEST(CheckSketch, IsSmall) { EXPECT_LE(sizeof(CheckSketch), 320U); }

}  // namespace
}  // namespace mpath::policy
