// The program: its commands are registered here, everything else is in src/apps.
#include <csignal>
#include <cstdio>

#include "apps/command.h"
#include "base/process_limits.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a peer that went away is an error of the write
  std::signal(SIGXFSZ, SIG_IGN);  // so is a file that may not grow (RLIMIT_FSIZE)
  aquilon::keep_standard_descriptors();
  aquilon::apps::Commands commands;
  aquilon::apps::register_serve(commands);
  aquilon::apps::register_chat(commands);
  aquilon::apps::register_complete(commands);
  aquilon::apps::register_pull(commands);
  aquilon::apps::register_models(commands);
  aquilon::apps::register_tokenize(commands);
  aquilon::apps::register_logits(commands);
  aquilon::apps::register_perplexity(commands);
  aquilon::apps::register_quantize(commands);
  aquilon::apps::register_imatrix(commands);
  aquilon::apps::register_bench_machine(commands);
  aquilon::apps::register_bench_kernels(commands);
  aquilon::apps::register_bench_model(commands);
  aquilon::apps::register_bench_compare(commands);
  aquilon::apps::register_bench_serve(commands);
  aquilon::apps::register_schema_check(commands);
  aquilon::apps::register_schema_keywords(commands);
  aquilon::apps::register_doctor(commands);
  aquilon::apps::register_keys(commands);
  aquilon::apps::register_usage(commands);
  aquilon::apps::register_backup(commands);
  const int status = commands.run(argc, argv);
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  std::fputs("aquilon: cannot write the output: is the disk full?\n", stderr);
  return status != 0 ? status : 74;  // EX_IOERR
}
