// Models split over several GGUF files.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "formats/gguf_fixtures_for_test.h"

namespace aquilon::formats {
namespace {

namespace fs = std::filesystem;

class GgufParts : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("aquilon-parts-{}", ::getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(int part, int parts = 3) const {
    return folder_ / fmt::format("m-{:05}-of-{:05}.gguf", part, parts);
  }
  // Part `number` (from 0) says what it is and holds tensors of those names.
  void write(const std::string& path, std::uint16_t number, const std::vector<std::string>& names,
             std::uint16_t parts = 3, std::int32_t tensors = 3) {
    GgufBuilder file;
    if (number == 0) file.text("general.architecture", "llama");
    file.number("split.no", GgufType::kU16, number).number("split.count", GgufType::kU16, parts);
    file.number("split.tensors.count", GgufType::kI32, tensors);
    for (const std::string& name : names)
      add_fixture_tensor(file, name, tensor::DType::kF32, {8, name.size()});
    const GgufImage image = file.build();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(image.bytes.data()),
               static_cast<std::streamsize>(image.bytes.size()));
  }
  // As gguf-split --no-tensor-first-split writes them: the first has metadata alone.
  void write_good() {
    write(path(1), 0, {});
    write(path(2), 1, {"a", "bb"});
    write(path(3), 2, {"ccc"});
  }
  void expect_error(Code code, const std::string& words, int part = 1) {
    const auto file = GgufFile::open(path(part));
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.error().code, code) << file.error().message;
    EXPECT_NE(file.error().message.find(words), std::string::npos) << file.error().message;
  }

  fs::path folder_;
};

TEST_F(GgufParts, OpensAllByTheFirst) {
  write_good();
  const auto file = GgufFile::open(path(1));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(*file->get_string("general.architecture"), "llama");
  EXPECT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(file->file_bytes(),
            fs::file_size(path(1)) + fs::file_size(path(2)) + fs::file_size(path(3)));
  for (const std::string name : {"a", "bb", "ccc"}) {
    const GgufTensor* tensor = file->find_tensor(name);
    ASSERT_NE(tensor, nullptr) << name;
    const auto want = fixture_data(tensor::DType::kF32, {8, name.size()});
    const tensor::MatrixView matrix = file->matrix(*tensor);
    EXPECT_EQ(std::memcmp(matrix.data, want.data(), want.size()), 0);
    file->drop_pages(matrix);
    EXPECT_EQ(std::memcmp(matrix.data, want.data(), want.size()), 0);
  }
}

TEST_F(GgufParts, SurvivesBeingMoved) {
  write_good();
  auto opened = GgufFile::open(path(1));
  ASSERT_TRUE(opened.ok());
  const GgufFile file = std::move(*opened);
  EXPECT_EQ(file.matrix(*file.find_tensor("ccc")).rows, 3u);
}

TEST_F(GgufParts, NamesWhatIsMissingOrDoesNotFit) {
  write_good();
  expect_error(Code::kInvalidArgument, "part 2 of 3 of a model; name the first, " + path(1), 2);
  fs::remove(path(3));
  expect_error(Code::kNotFound, "part 3 of 3: cannot open " + path(3));
  write(path(3), 1, {"ccc"});
  expect_error(Code::kCorrupt, "says that it is part 2 of 3");
  write(path(3), 2, {"ccc"}, 4);
  expect_error(Code::kCorrupt, "says that it is part 3 of 4");
  write(path(3), 2, {"bb"});
  expect_error(Code::kCorrupt, "the tensor 'bb' is in two parts");
  write(path(3), 2, {"ccc", "dddd"});
  expect_error(Code::kCorrupt, "the parts hold 4 tensors, split.tensors.count says 3");
  std::ofstream(path(3)) << "no model";
  expect_error(Code::kCorrupt, "part 3 of 3: " + path(3) + ": at byte 0: magic");
  write(path(1), 3, {});
  expect_error(Code::kCorrupt, "split.no is 3, but there are only 3 parts");
}

TEST_F(GgufParts, NeedsTheNamesThatLeadToTheOthers) {
  write_good();
  const std::string other = folder_ / "model.gguf";
  fs::rename(path(1), other);
  const auto file = GgufFile::open(other);
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().message.find("its name must end with -00001-of-00003.gguf"),
            std::string::npos)
      << file.error().message;
  write(path(1, 9999), 0, {}, 9999);
  const auto many = GgufFile::open(path(1, 9999));
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace aquilon::formats
