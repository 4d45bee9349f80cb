// Published models and the oracle's files, where they are present: opening reads the directory and
// nothing else, and no file can be damaged into a crash.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "formats/allocation_count_for_test.h"
#include "formats/gguf_walk_for_test.h"

namespace aquilon::formats {
namespace {

namespace fs = std::filesystem;

std::string from_environment(const char* variable, const std::string& otherwise) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

std::vector<fs::path> ggufs_in(const std::string& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error))
    if (entry.path().extension() == ".gguf") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<fs::path> models() {
  return ggufs_in(from_environment("AQUILON_TEST_MODELS",
                                   from_environment("HOME", "") + "/.cache/aquilon/test-models"));
}

std::vector<fs::path> oracle_files() {
  return ggufs_in(from_environment("AQUILON_SHARED", AQUILON_SOURCE_DIR "/../shared") +
                  "/data/oracle/hf");
}

// A file whose bytes may be changed in memory without copying or touching the file.
class WritableMap {
 public:
  explicit WritableMap(const fs::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    size_ = fs::file_size(path);
    void* p = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    ::close(fd);
    if (p != MAP_FAILED) data_ = static_cast<std::byte*>(p);
  }
  WritableMap(const WritableMap&) = delete;
  WritableMap& operator=(const WritableMap&) = delete;
  ~WritableMap() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  std::span<std::byte> bytes() { return {data_, data_ == nullptr ? 0 : size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Where the weights begin, which is where the directory ends.
std::size_t directory_bytes(const GgufFile& file, std::size_t file_bytes) {
  for (const GgufTensor& tensor : file.tensors())
    file_bytes = std::min<std::size_t>(file_bytes, tensor.file_offset);
  return file_bytes;
}

// Parses the file while its weights cannot be read: to touch one of their pages ends the program.
void parse_without_weights(const fs::path& path, std::size_t directory) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  WritableMap map(path);
  const std::span<std::byte> weights =
      map.bytes().subspan(std::min(map.bytes().size(), (directory + page - 1) / page * page));
  const bool hidden = weights.empty() || ::mprotect(weights.data(), weights.size(), PROT_NONE) == 0;
  std::exit(hidden && GgufFile::parse(map.bytes(), path).ok() ? 0 : 1);
}

using GgufRealFilesDeathTest = testing::Test;

TEST(GgufRealFilesDeathTest, OpeningReadsAndKeepsOnlyTheDirectory) {
  std::vector<fs::path> paths = models();
  const std::vector<fs::path> oracle = oracle_files();
  paths.insert(paths.end(), oracle.begin(), oracle.end());
  if (paths.empty()) GTEST_SKIP() << "no model files: set AQUILON_TEST_MODELS or AQUILON_SHARED";
  for (const fs::path& path : paths) {
    const std::uint64_t before = allocated_bytes_for_test();
    const auto file = GgufFile::open(path);
    ASSERT_TRUE(file.ok()) << file.error().message;
    const std::uint64_t allocated = allocated_bytes_for_test() - before;
    const std::size_t directory = directory_bytes(*file, fs::file_size(path));
    EXPECT_LE(allocated, directory + 65536) << path;
    EXPECT_EXIT(parse_without_weights(path, directory), testing::ExitedWithCode(0), "") << path;
    walk(*file, 4096);
    EXPECT_TRUE(file->get_string("general.architecture").ok()) << path;
    EXPECT_GT(file->tensors().size(), 10u) << path;
  }
}

class Mutator {
 public:
  Mutator(std::span<std::byte> bytes, std::size_t header) : bytes_(bytes), header_(header) {}

  // Damages a few bytes of the directory, or cuts the file, and holds the reader to its promises.
  void round() {
    if (below(4) == 0) return check(bytes_.first(below(below(2) == 0 ? header_ : bytes_.size())));
    const std::size_t at = position();
    const std::size_t size = std::min<std::size_t>(8, header_ - at);
    std::byte saved[8];
    std::copy_n(&bytes_[at], size, saved);
    damage(bytes_.subspan(at, size));
    check(bytes_);
    std::copy_n(saved, size, &bytes_[at]);
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  // The start of the directory, its end (the tensors) or anywhere (the vocabulary, mostly).
  std::size_t position() {
    switch (below(3)) {
      case 0:
        return below(std::min<std::size_t>(header_, 2048));
      case 1:
        return header_ - 1 - below(std::min<std::size_t>(header_, 16384));
      default:
        return below(header_);
    }
  }

  void damage(std::span<std::byte> bytes) {
    static constexpr std::uint64_t kOdd[] = {0, 1, 1ull << 31, 1ull << 32, 1ull << 63, ~0ull};
    switch (below(3)) {
      case 0:
        bytes[0] ^= std::byte{1} << below(8);
        break;
      case 1:
        bytes[0] = static_cast<std::byte>(below(256));
        break;
      default:
        std::memcpy(bytes.data(), &kOdd[below(std::size(kOdd))], bytes.size());
    }
  }

  void check(std::span<const std::byte> bytes) {
    const auto file = GgufFile::parse(bytes, "damaged");
    if (file.ok())
      walk(*file, 64);
    else
      EXPECT_TRUE(names_offset_and_field(file.error(), "damaged", bytes.size()));
  }

  std::span<std::byte> bytes_;
  std::size_t header_;
  std::mt19937_64 random_{20260101};
};

void damage_a_thousand_times(const fs::path& path) {
  WritableMap map(path);
  ASSERT_FALSE(map.bytes().empty()) << path;
  std::size_t header = map.bytes().size();
  {
    const auto file = GgufFile::parse(map.bytes(), path);
    ASSERT_TRUE(file.ok()) << file.error().message;
    header = directory_bytes(*file, header);
  }
  Mutator mutator(map.bytes(), header);
  for (int i = 0; i < 1000 && !testing::Test::HasFailure(); ++i) mutator.round();
}

TEST(GgufRealFiles, SurviveAThousandMutationsEach) {
  const std::vector<fs::path> paths = oracle_files();
  if (paths.empty()) GTEST_SKIP() << "no oracle files: set AQUILON_SHARED";
  for (const fs::path& path : paths) damage_a_thousand_times(path);
}

TEST(GgufRealFiles, TheDefaultModelSurvivesAThousandMutations) {
  for (const fs::path& path : models())
    if (path.filename() == "smollm2-135m-instruct-q4_1.gguf") return damage_a_thousand_times(path);
  GTEST_SKIP() << "the default model is not among AQUILON_TEST_MODELS";
}

}  // namespace
}  // namespace aquilon::formats
