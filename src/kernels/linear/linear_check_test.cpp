#include "kernels/linear/linear_check.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernels/linear/linear.h"
#include "kernels/linear/linear_emulated_for_test.h"

namespace aquilon::kernels {
namespace {

const LinearKernel& reference() {
  return *linear_impls().back().fn;
}

// The reference, but for one wrong bit where `wrong` says so.
using Wrong = bool(const LinearJob& job);
template <Wrong* wrong>
void spoilt(const LinearJob& job, std::size_t begin, std::size_t end) noexcept {
  linear_groups_ref(job, begin, end);
  auto* bits = reinterpret_cast<unsigned char*>(job.out + job.out_stride - 1);
  if (wrong(job)) *bits ^= 1;
}

bool always(const LinearJob&) {
  return true;
}
bool in_q6_k(const LinearJob& job) {
  return job.packing == quant::Packing::kQ6_K;
}
bool in_tiles_of_seven(const LinearJob& job) {
  return job.tile_tokens == 7;
}
bool in_long_batches(const LinearJob& job) {
  return job.tiles > 5;
}
void quantise_wrong(const float* x, std::size_t tokens, std::size_t columns,
                    unsigned char* out) noexcept {
  quantize_tile_ref(x, tokens, columns, out);
  out[3] ^= 1;
}

std::vector<std::string> reports;
void report(const std::string& line) {
  reports.push_back(line);
}

struct Case {
  const char* name;
  LinearKernel kernel;
  const char* problem;
};

class LinearCheckTest : public testing::TestWithParam<Case> {};

TEST_P(LinearCheckTest, RefusesAWrongImplementation) {
  EXPECT_EQ(GetParam().problem, difference(GetParam().kernel, reference()));
}

INSTANTIATE_TEST_SUITE_P(
    All, LinearCheckTest,
    testing::Values(
        Case{"Sound", {quantize_tile_ref, linear_groups_ref, 8}, ""},
        Case{"Wrong", {quantize_tile_ref, spoilt<always>, 8}, "products of Q4_0"},
        Case{"OnePacking", {quantize_tile_ref, spoilt<in_q6_k>, 8}, "products of Q6_K"},
        Case{"OneWidth", {quantize_tile_ref, spoilt<in_tiles_of_seven>, 8}, "products of Q4_0"},
        Case{"LongBatches", {quantize_tile_ref, spoilt<in_long_batches>, 8}, "products of Q4_0"},
        Case{"Quantisation", {quantise_wrong, linear_groups_ref, 8}, "quantised activations"}),
    [](const auto& info) { return info.param.name; });

TEST(LinearCheck, TheNextImplementationStandsIn) {
  static constexpr LinearKernel kWrong{quantize_tile_ref, spoilt<always>, 8};
  static constexpr LinearKernel kNext{quantize_tile_ref, linear_groups_ref, 4};
  const Impl<const LinearKernel> table[] = {
      {Isa::kAvx512, &kWrong}, {Isa::kAvx2, &kNext}, {Isa::kRef, &reference()}};
  reports.clear();
  EXPECT_EQ(&kNext, &first_sound(table, Isa::kAvx512, report));
  ASSERT_EQ(1u, reports.size());
  EXPECT_EQ("this machine computes wrong products of Q4_0 with avx512; slower kernels are used",
            reports[0]);
  reports.clear();
  EXPECT_EQ(&kNext, &first_sound(table, Isa::kAvx2, report));
  EXPECT_EQ(&reference(), &first_sound(table, Isa::kRef, report));
  EXPECT_TRUE(reports.empty());
}

TEST(LinearCheck, AcceptsWhatThisMachineUses) {
  for (const Impl<const LinearKernel>& impl : linear_impls()) {
    if (impl.isa > chosen_isa()) continue;
    EXPECT_EQ("", difference(*impl.fn, reference())) << isa_name(impl.isa);
  }
  if (emulated_avx512() != nullptr) {
    EXPECT_EQ("", difference(*emulated_avx512(), reference()));
  }
}

}  // namespace
}  // namespace aquilon::kernels
