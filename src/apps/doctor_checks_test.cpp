#include "apps/doctor_checks.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/descriptor.h"

namespace aquilon::apps {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(Doctor, Processor) {
  const std::string good =
      "processor\t: 0\nmodel name\t: Fast One\nflags\t\t: fpu sse4_2 avx2 fma f16c avx512f\n";
  const Finding fine = check_processor(good, 4, std::nullopt);
  EXPECT_EQ(fine.health, Health::kOk);
  EXPECT_EQ(fine.text, "Fast One, 4 cores; sse4_2 avx2 fma f16c avx512f");
  EXPECT_EQ(check_processor("flags : sse4_2 avx2x fma f16c\n", 4, std::nullopt).health,
            Health::kWarn);
  EXPECT_EQ(check_processor("", 1, std::nullopt).text, "unknown, 1 core; ");
  const Finding limited = check_processor(good, 4, 1.5);
  EXPECT_EQ(limited.health, Health::kWarn);
  EXPECT_NE(limited.advice.find("--threads 2"), std::string::npos) << limited.advice;
  EXPECT_EQ(check_processor("CPU part : 0xd0c\nFeatures : asimd asimddp\n", 4, 4.0).health,
            Health::kOk);
}

TEST(Doctor, CoreQuota) {
  EXPECT_EQ(parse_core_quota("150000 100000\n"), 1.5);
  for (const char* none : {"max 100000\n", "", "100000", "100000 0", "-1 100000", "x y"})
    EXPECT_EQ(parse_core_quota(none), std::nullopt) << none;
}

TEST(Doctor, Memory) {
  EXPECT_EQ(check_memory(16 * kGiB, 8 * kGiB, std::nullopt).health, Health::kOk);
  EXPECT_EQ(check_memory(16 * kGiB, 2 * kGiB, std::nullopt).health, Health::kWarn);
  EXPECT_EQ(check_memory(16 * kGiB, kGiB / 4, kGiB).health, Health::kBad);
  EXPECT_NE(check_memory(16 * kGiB, kGiB, kGiB).text.find("container"), std::string::npos);
}

TEST(Doctor, HugePagesAndDisk) {
  EXPECT_EQ(check_huge_pages("always [madvise] never\n").health, Health::kOk);
  EXPECT_EQ(check_huge_pages("always madvise [never]\n").health, Health::kWarn);
  EXPECT_EQ(check_huge_pages("").health, Health::kWarn);
  EXPECT_EQ(check_huge_pages("][").health, Health::kWarn);
  EXPECT_EQ(check_disk("/x", 100 * kGiB, {}).health, Health::kOk);
  EXPECT_EQ(check_disk("/x", kGiB, {}).health, Health::kWarn);
  EXPECT_EQ(check_disk("/x", 1000, {}).health, Health::kBad);
  // A folder that cannot be is not a matter of space, even where none is free.
  const Finding bad = check_disk("/x", 0, make_error(Code::kUnavailable, "/x is in the way"));
  EXPECT_EQ(bad.health, Health::kBad);
  EXPECT_EQ(bad.text, "/x is in the way");
}

TEST(Doctor, Port) {
  const Descriptor taken(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(taken.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(taken.get(), 1), 0);
  ASSERT_EQ(::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_EQ(check_port(ntohs(address.sin_port)).health, Health::kWarn);
  EXPECT_EQ(check_port(0).health, Health::kOk);
}

TEST(Doctor, Models) {
  namespace fs = std::filesystem;
  char path[] = "/tmp/aquilon-doctor-XXXXXX";
  const std::string root = ::mkdtemp(path);
  const hub::Store store = hub::Store::at(root + "/models");
  ASSERT_EQ(check_models(store).size(), 1u);
  EXPECT_EQ(check_models(store)[0].health, Health::kWarn);
  EXPECT_NE(check_models(store)[0].advice.find("aquilon pull"), std::string::npos);

  std::ofstream(root + "/a.gguf") << "GGUF but nothing else";
  ASSERT_TRUE(store.add("a", root + "/a.gguf").ok());
  const auto broken = check_models(store);
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_EQ(broken[0].topic, "model a");
  EXPECT_EQ(broken[0].health, Health::kBad);
  EXPECT_EQ(broken[0].advice, "aquilon models remove a");

  fs::create_directories(root + "/models/.partial/b");
  std::ofstream(root + "/models/.partial/b/b.gguf.part") << "12345";
  const auto unfinished = check_models(store);
  ASSERT_EQ(unfinished.size(), 2u);
  EXPECT_EQ(unfinished[1].topic, "download b");
  EXPECT_EQ(unfinished[1].text, "unfinished, 5 B so far");
  fs::remove_all(root);
}

}  // namespace
}  // namespace aquilon::apps
