// Sixteen numbers side by side, in whatever vectors the translation unit's instruction set has: the
// encoders work on sixteen groups of weights at once, so no sum crosses lanes and every instruction
// set gives the same bits (given -ffp-contract=off).
//
// All names have internal linkage: nothing here can leave a weak symbol in an object file.
#pragma once

#include <cstdint>
#include <cstring>

namespace aquilon::quant::blocks {
namespace {

constexpr int kLanes = 16;
#if defined(__AVX512F__)
constexpr int kPartLanes = 16;
#elif defined(__AVX__)
constexpr int kPartLanes = 8;
#else
constexpr int kPartLanes = 4;
#endif
constexpr int kParts = kLanes / kPartLanes;

typedef float Part __attribute__((vector_size(4 * kPartLanes)));
typedef std::int32_t PartMask __attribute__((vector_size(4 * kPartLanes)));

struct Lanes {
  Part part[kParts];
};
struct Mask {
  PartMask part[kParts];
};

static inline Lanes load(const float* p) {
  Lanes r;
  std::memcpy(&r, p, sizeof r);
  return r;
}
static inline void store(float* p, const Lanes& a) {
  std::memcpy(p, &a, sizeof a);
}
static inline Lanes all(float v) {
  Lanes r;
  for (int i = 0; i < kParts; ++i) r.part[i] = v - Part{};
  return r;
}
static inline Lanes operator+(const Lanes& a, const Lanes& b) {
  Lanes r;
  for (int i = 0; i < kParts; ++i) r.part[i] = a.part[i] + b.part[i];
  return r;
}
static inline Lanes operator-(const Lanes& a, const Lanes& b) {
  Lanes r;
  for (int i = 0; i < kParts; ++i) r.part[i] = a.part[i] - b.part[i];
  return r;
}
static inline Lanes operator*(const Lanes& a, const Lanes& b) {
  Lanes r;
  for (int i = 0; i < kParts; ++i) r.part[i] = a.part[i] * b.part[i];
  return r;
}
static inline Lanes operator/(const Lanes& a, const Lanes& b) {
  Lanes r;
  for (int i = 0; i < kParts; ++i) r.part[i] = a.part[i] / b.part[i];
  return r;
}
static inline Mask operator<(const Lanes& a, const Lanes& b) {
  Mask r;
  for (int i = 0; i < kParts; ++i) r.part[i] = a.part[i] < b.part[i];
  return r;
}
static inline Mask operator&(const Mask& a, const Mask& b) {
  Mask r;
  for (int i = 0; i < kParts; ++i) r.part[i] = a.part[i] & b.part[i];
  return r;
}
// a where the mask is set, elsewhere b.
static inline Lanes pick(const Mask& m, const Lanes& a, const Lanes& b) {
  Lanes r;
  for (int i = 0; i < kParts; ++i) r.part[i] = m.part[i] ? a.part[i] : b.part[i];
  return r;
}
static inline Lanes smaller(const Lanes& a, const Lanes& b) {
  Lanes r;
  for (int i = 0; i < kParts; ++i) r.part[i] = a.part[i] < b.part[i] ? a.part[i] : b.part[i];
  return r;
}
static inline Lanes larger(const Lanes& a, const Lanes& b) {
  Lanes r;
  for (int i = 0; i < kParts; ++i) r.part[i] = a.part[i] > b.part[i] ? a.part[i] : b.part[i];
  return r;
}
static inline Lanes magnitude(const Lanes& a) {
  return larger(a, all(0) - a);
}
// The nearest integer, ties to even. Requires |a| < 2^22.
static inline Lanes nearest(const Lanes& a) {
  const Lanes shift = all(0x1.8p23f);
  return (a + shift) - shift;
}
// The nearest integer of [low, high], for any a.
static inline Lanes nearest_within(const Lanes& a, const Lanes& low, const Lanes& high) {
  return nearest(smaller(larger(a, low), high));
}

}  // namespace
}  // namespace aquilon::quant::blocks
