#include "formats/companions_internal.h"
#include "formats/folder_layouts_internal.h"
#include "formats/hf_config_internal.h"
#include "formats/source_names_internal.h"
#include "formats/weight_assembly_internal.h"

namespace aquilon::formats {

Result<GgufFile> describe_hugging_face(FolderFiles folder) {
  const std::string path = folder.path_of("config.json");
  const std::string text = AQ_TRY(folder.text("config.json", kMaxConfigBytes));
  const boost::json::object object = AQ_TRY(read_json_object(text, path));
  const JsonFields root(object, path);
  DescriptionBuilder builder(folder.path());
  const HfConfig config = AQ_TRY(put_hf_config(root, builder));
  AQ_RETURN_IF_ERROR(put_hf_tokens(folder, root, builder));
  const WeightFiles weights = AQ_TRY(WeightFiles::open(folder, "model"));
  const AssemblyRules rules{.style = config.family->names,
                            .architecture = config.family->architecture,
                            .tied = config.tied,
                            .query_factor = config.query_factor,
                            .fp8 = config.fp8,
                            .blocks = config.blocks};
  builder.set_names(source_names(rules.style, path));
  const std::uint64_t rows = AQ_TRY(assemble_weights(folder, weights, rules, builder));
  if (config.vocabulary.value_or(rows) != rows)
    return make_error(Code::kCorrupt, "{}: vocab_size is {}, the embeddings have {} rows", path,
                      *config.vocabulary, rows);
  return finish_folder(folder, weights, config.family->architecture, rows, std::move(builder));
}

}  // namespace aquilon::formats
