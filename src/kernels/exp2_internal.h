// 2^f for |f| <= 1/2 by a polynomial: relative error at most 1.3e-7, 1 at 0. By fused multiply-adds
// in this order every instruction set gives the same bits.
#pragma once

namespace aquilon::kernels {

inline constexpr float kExp2[] = {1.0f,         0.6931472f,    0.2402265f,    0.05550357f,
                                  0.009618083f, 0.0013390863f, 0.00015453163f};
inline constexpr float kExp2Magic = 12582912.0f;  // 1.5 * 2^23: a sum's low bits are round(x)

}  // namespace aquilon::kernels
