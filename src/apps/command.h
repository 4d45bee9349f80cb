// One command of the program: an options struct declared once (base/options.h) and a function that
// runs it. The registry turns the declarations into flags, environment variables, configuration and
// help.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/option_binding.h"  // OptionBinder, BoundOption
#include "base/options.h"
#include "base/result.h"

namespace CLI {
class App;
}

namespace aquilon::apps {

// The program's commands. main() fills it with the register_* functions below and calls run().
class Commands {
 public:
  Commands();
  ~Commands();

  // Adds `aquilon NAME`. `run` gets the parsed options; the Error that it returns becomes one line
  // on stderr and the exit status of its code. `summary`: one line of help.
  template <class Options>
  void add(std::string_view name, std::string_view summary,
           std::function<Status(const Options&)> run) {
    auto options = std::make_shared<Options>();
    OptionBinder binder(begin_command(name, summary));
    options->visit(binder);
    end_command(std::move(binder).take(),
                [options, run = std::move(run)] { return run(*options); });
  }

  // Reads the configuration file again: the options as they would be if the program was started now
  // with the same arguments and environment. Errors: as of a start.
  template <class Options>
  using Reread = std::function<Result<Options>()>;

  // The same for a command that goes on for long.
  template <class Options>
  void add(std::string_view name, std::string_view summary,
           std::function<Status(const Options&, const Reread<Options>&)> run) {
    auto options = std::make_shared<Options>();
    OptionBinder binder(begin_command(name, summary));
    options->visit(binder);
    auto resolve_again = std::make_shared<std::function<Status()>>();
    const auto reread = [options, resolve_again]() -> Result<Options> {
      const Options before = std::exchange(*options, Options{});
      const Status status = (*resolve_again)();
      Options now = std::exchange(*options, before);
      if (!status.ok()) return status.error();
      return now;
    };
    end_command(
        std::move(binder).take(),
        [options, reread, run = std::move(run)] { return run(*options, reread); }, resolve_again);
  }

  // Parses and runs one command; the process's exit status: 0, or that of the error's code. An
  // error is one line on stderr. No exception leaves.
  int run(int argc, char** argv);

  // docs/FLAGS.md, generated from the declarations.
  std::string flags_markdown() const;

 private:
  CLI::App& begin_command(std::string_view name, std::string_view summary);
  // `resolve_again`, where it is wanted, is set before the command runs.
  void end_command(std::vector<BoundOption> options, std::function<Status()> run,
                   std::shared_ptr<std::function<Status()>> resolve_again = nullptr);

  struct State;
  std::unique_ptr<State> state_;
};

// One per file of this folder.
void register_serve(Commands& commands);
void register_chat(Commands& commands);
void register_complete(Commands& commands);
void register_tokenize(Commands& commands);
void register_logits(Commands& commands);
void register_perplexity(Commands& commands);
void register_quantize(Commands& commands);
void register_imatrix(Commands& commands);
void register_models(Commands& commands);
void register_pull(Commands& commands);
void register_bench_machine(Commands& commands);
void register_bench_kernels(Commands& commands);
void register_bench_model(Commands& commands);
void register_bench_compare(Commands& commands);
void register_bench_serve(Commands& commands);
void register_schema_check(Commands& commands);
void register_schema_keywords(Commands& commands);
void register_doctor(Commands& commands);
void register_keys(Commands& commands);
void register_usage(Commands& commands);
void register_backup(Commands& commands);

}  // namespace aquilon::apps
