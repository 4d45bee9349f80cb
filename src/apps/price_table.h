// What tokens cost: a file of prices that sums of usage are multiplied with.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"

namespace aquilon::apps {

class PriceTable {
 public:
  // {"MODEL": {"prompt": 0.1, "cached": 0.01, "completion": 0.3}, "*": {...}}: prices of a million
  // tokens; "cached" is that of prompt tokens which were computed already, by default the same as
  // "prompt". "*" is every model that is not named. Errors: those of read_file, kInvalidArgument.
  static Result<PriceTable> read(const std::string& path);

  bool empty() const { return prices_.empty(); }
  // 0 for a model without a price.
  double cost(const std::string& model, std::int64_t prompt_tokens, std::int64_t cached_tokens,
              std::int64_t completion_tokens) const;

 private:
  struct Price {
    double prompt = 0, cached = 0, completion = 0;  // of a million
  };
  std::map<std::string, Price> prices_;
};

}  // namespace aquilon::apps
