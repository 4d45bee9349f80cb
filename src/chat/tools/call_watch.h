// Where answers with calls end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chat/tools/dialect.h"
#include "engine/request.h"

namespace aquilon::chat {

// The answer ends with the first call that says the same as an earlier one, with the 32nd, and
// behind a call where the model would go on with words. `names`: of the tools. Null: the dialect's
// models need no watch.
std::unique_ptr<engine::AnswerWatch> watch_calls(const Dialect& dialect,
                                                 std::vector<std::string> names);

}  // namespace aquilon::chat
