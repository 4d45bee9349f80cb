#include "chat/tools/call_watch.h"

#include "chat/tools/call_reader.h"

namespace aquilon::chat {
namespace {

constexpr std::size_t kMostCalls = 32;

class CallWatch final : public engine::AnswerWatch {
 public:
  CallWatch(const Dialect& dialect, std::vector<std::string> names)
      : reader_(dialect, std::move(names)) {}

  bool ends_with(std::string_view text) override {
    reader_.push(text);
    return reader_.repeats() || reader_.calls() == kMostCalls;
  }
  bool ends_astray() const override { return reader_.behind_call(); }

 private:
  CallReader reader_;
};

}  // namespace

std::unique_ptr<engine::AnswerWatch> watch_calls(const Dialect& dialect,
                                                 std::vector<std::string> names) {
  if (!dialect.weak) return nullptr;
  return std::make_unique<CallWatch>(dialect, std::move(names));
}

}  // namespace aquilon::chat
