#include "runtime/support/DiskCache.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include "test/runtime/TestArtifact.h"
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <thread>

namespace drawloom {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

std::vector<std::byte> bytesOf(size_t count, int value) {
  return std::vector<std::byte>(count, std::byte(value));
}

/// As if the entry had last been used so many hours ago.
void age(const TemporaryFolder &folder, const std::string &key, int hours) {
  fs::last_write_time(folder / key, fs::file_time_type::clock::now() - std::chrono::hours(hours));
}

TEST(DiskCache, FindsWhatWasStored) {
  TemporaryFolder folder;
  DiskCache cache(folder.path);
  EXPECT_FALSE(cache.find("key"));
  cache.store("key", bytesOf(100, 7));
  EXPECT_EQ(cache.find("key"), bytesOf(100, 7));
  cache.store("key", bytesOf(5, 8));
  EXPECT_EQ(cache.find("key"), bytesOf(5, 8)) << "the newer content takes the place";
  EXPECT_EQ(cache.usage().entries, 1u);
}

TEST(DiskCache, NoChangedOrShortenedEntryIsFound) {
  TemporaryFolder folder;
  DiskCache cache(folder.path);
  cache.store("key", bytesOf(40, 7));
  auto entry = readFile(folder / "key");
  for (size_t at = 0; at < entry.size(); ++at) {
    auto changed = entry;
    changed[at] ^= std::byte(1);
    writeFileAtomically(folder / "key", std::span<const std::byte>(changed));
    EXPECT_FALSE(cache.find("key")) << "byte " << at;
    writeFileAtomically(folder / "key", std::span<const std::byte>(entry).first(at));
    EXPECT_FALSE(cache.find("key")) << "cut at byte " << at;
  }
  cache.store("key", bytesOf(40, 7));
  EXPECT_TRUE(cache.find("key")) << "a bad entry is replaced";
}

TEST(DiskCache, AnEntryUnderAnothersNameIsNone) {
  TemporaryFolder folder;
  DiskCache cache(folder.path);
  cache.store("a", bytesOf(10, 1));
  fs::copy_file(folder / "a", folder / "b");
  EXPECT_FALSE(cache.find("b"));
}

TEST(DiskCache, WhatWasNotUsedForLongestGoesFirst) {
  TemporaryFolder folder;
  DiskCache cache(folder.path, 3500);
  for (const char *key : {"a", "b", "c"}) cache.store(key, bytesOf(1000, 1));
  age(folder, "a", 3), age(folder, "b", 2), age(folder, "c", 1);
  EXPECT_TRUE(cache.find("a")) << "which is its last use from here on";
  cache.store("d", bytesOf(1000, 1));
  EXPECT_FALSE(cache.find("b"));
  for (const char *key : {"a", "c", "d"}) EXPECT_TRUE(cache.find(key)) << key;
  EXPECT_LE(cache.usage().bytes, 3500u);
}

TEST(DiskCache, WhatExceedsTheLimitIsNotKept) {
  TemporaryFolder folder;
  DiskCache cache(folder.path, 500);
  cache.store("small", bytesOf(100, 1));
  cache.store("large", bytesOf(1000, 1));
  EXPECT_FALSE(cache.find("large"));
  EXPECT_TRUE(cache.find("small"));
}

TEST(DiskCache, RemovesWhatKilledWritersLeft) {
  TemporaryFolder folder;
  DiskCache cache(folder.path);
  writeFileAtomically(folder / "old.tmp.1.0", "half an en");
  writeFileAtomically(folder / "new.tmp.2.0", "half an en");
  age(folder, "old.tmp.1.0", 2);
  cache.store("key", bytesOf(10, 1));
  EXPECT_FALSE(fs::exists(folder / "old.tmp.1.0"));
  EXPECT_TRUE(fs::exists(folder / "new.tmp.2.0")) << "someone may still be writing it";
  EXPECT_EQ(cache.usage().entries, 1u);
}

TEST(DiskCache, WithoutAFolderNothingIsKept) {
  for (const char *folder : {"", "/proc/no/such/folder"}) {
    DiskCache cache(folder);
    cache.store("key", bytesOf(10, 1));
    EXPECT_FALSE(cache.find("key"));
    EXPECT_EQ(cache.usage().entries, 0u);
  }
}

TEST(DiskCache, ManyMayReadWriteAndRemoveAtOnce) {
  TemporaryFolder folder;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      DiskCache cache(folder.path, 5000); // room for four of the eight
      for (int i = 0; i < 100; ++i) {
        int k = (i + 3 * t) % 8;
        cache.store(std::to_string(k), bytesOf(1000, k));
        auto found = cache.find(std::to_string((k + 1) % 8));
        EXPECT_TRUE(!found || *found == bytesOf(1000, (k + 1) % 8));
      }
    });
  for (auto &thread : threads) thread.join();
  EXPECT_GE(DiskCache(folder.path).usage().entries, 1u);
}

TEST(DiskCache, KeysTellPartsApart) {
  EXPECT_EQ(DiskCache::keyOf({"a", "b"}).size(), 32u);
  EXPECT_EQ(DiskCache::keyOf({"a", "b"}), DiskCache::keyOf({"a", "b"}));
  EXPECT_NE(DiskCache::keyOf({"a", "b"}), DiskCache::keyOf({"ab", ""}));
  EXPECT_NE(DiskCache::keyOf({"a", "b"}), DiskCache::keyOf({"b", "a"}));
}

TEST(DiskCache, TheLimitIsASize) {
  ::setenv("DRAWLOOM_CACHE_LIMIT", "3MiB", 1);
  EXPECT_EQ(DiskCache::defaultLimit(), uint64_t(3) << 20);
  ::setenv("DRAWLOOM_CACHE_LIMIT", "a lot", 1);
  try {
    DiskCache::defaultLimit();
    ADD_FAILURE() << "no error";
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kUsage);
    EXPECT_STREQ(e.what(), "DRAWLOOM_CACHE_LIMIT is 'a lot', which is no size");
  }
  ::unsetenv("DRAWLOOM_CACHE_LIMIT");
  EXPECT_EQ(DiskCache::defaultLimit(), DiskCache::kDefaultLimit);
}

} // namespace
} // namespace drawloom
