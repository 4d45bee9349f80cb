// The local model store: a folder with one folder a model, which holds its GGUF file(s), or the
// files of a model folder, and manifest.json.
//
//   $AQUILON_HOME/models/NAME/manifest.json
//   $AQUILON_HOME/models/NAME/weights.gguf
//   $AQUILON_HOME/models/.partial/NAME/     downloads in progress
//
// A model appears by one rename, complete and verified, and so it is replaced and removed.
// AQUILON_HOME defaults to $XDG_DATA_HOME/aquilon, and that to ~/.local/share/aquilon.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"  // Descriptor
#include "base/result.h"
#include "hub/catalogue.h"
#include "hub/digest.h"  // ByteProgress
#include "hub/manifest.h"

namespace aquilon::hub {

// What happens to an installed model of the same name.
enum class WhenInstalled { kRefuse, kReplace };

// A folder in which one model is put together, locked against a second process. Movable.
class Staging {
 public:
  const std::string& name() const { return name_; }
  const std::string& folder() const { return folder_; }

 private:
  friend class Store;
  std::string name_;
  std::string folder_;
  Descriptor lock_;
};

// Whether that is a path and no model's name: it has a '/', ends in .gguf, or is "." or "..".
bool is_model_path(std::string_view text);

// Threads: const members are safe; several processes may use one store.
class Store {
 public:
  // The person's store; nothing is created yet. Errors: kInvalidArgument when no home folder is
  // known.
  static Result<Store> open();
  // A store in that folder (the one that holds the models' folders).
  static Store at(std::string folder);

  const std::string& folder() const { return folder_; }

  // Installed models by name. Folders whose manifest cannot be read are left out; `problems`, if
  // given, gets one line for each. Errors: kUnavailable.
  Result<std::vector<Manifest>> list(std::vector<std::string>* problems = nullptr) const;

  // Errors: kInvalidArgument (not a model name), kNotFound (says what is installed, the nearest
  // name and how to pull it), kCorrupt.
  Result<Manifest> find(std::string_view name) const;

  // The path of the GGUF file or folder to open. A path (is_model_path) stays as it is, empty is
  // the default model (or else the only one installed). Errors: as find; kCorrupt also when a file
  // of the model is missing or of the wrong size.
  Result<std::string> resolve(std::string_view name_or_path) const;

  // What resolve() gives for that model: its GGUF file (of several parts the first), or its folder.
  std::string path_to_open(const Manifest& manifest) const;

  // Path of a model's file, by the manifest's names.
  std::string path_of(const Manifest& manifest, const ManifestFile& file) const;

  // That every file is there with its size: one stat a file. Errors: kCorrupt, naming the file.
  Status check_sizes(const Manifest& manifest) const;
  // The same and every SHA-256: reads all files. Errors: kCorrupt, naming the file; kCancelled.
  Status verify(const Manifest& manifest, const ByteProgress& progress = {}) const;

  // Copies a model into the store under `name`: its GGUF file, all parts of a split one, or the
  // files of a folder, the one to open first. A name of the catalogue must have the catalogue's
  // checksum. Progress counts the bytes of all files. Errors: kInvalidArgument (also a name that is
  // installed, saying what it is, and two files of one name), kNotFound, kCorrupt (a .gguf that is
  // none, wrong checksum), kUnavailable (disk full, another process adds the same model).
  Result<Manifest> add(const std::string& name, const std::vector<std::string>& files,
                       WhenInstalled when_installed = WhenInstalled::kRefuse,
                       const ByteProgress& progress = {}) const;
  Result<Manifest> add(const std::string& name, const std::string& file,
                       WhenInstalled when_installed = WhenInstalled::kRefuse,
                       const ByteProgress& progress = {}) const {
    return add(name, std::vector<std::string>{file}, when_installed, progress);
  }

  // Deletes a model's folder. Errors: as find; kUnavailable.
  Status remove(std::string_view name) const;

  // Locks and creates the folder for a model to be. What an interrupted download left there is
  // kept. Errors: kInvalidArgument, kUnavailable.
  Result<Staging> stage(const std::string& name) const;
  // Writes the manifest, drops what does not belong to it and moves the folder into place,
  // replacing an older one. The caller verified the files. Errors: kCorrupt, kUnavailable.
  Status publish(Staging staging, const Manifest& manifest) const;

  // That a download of `bytes` leaves the disk some room. Errors: kUnavailable, with needed and
  // free.
  Status check_space(std::uint64_t bytes) const;

 private:
  explicit Store(std::string folder) : folder_(std::move(folder)) {}
  std::string model_folder(std::string_view name) const;
  Result<Manifest> read_manifest(std::string_view name) const;
  Result<std::string> resolve_default() const;
  Status check_name_free(const std::string& name) const;
  Result<Manifest> copy_into(const Staging& staging, const std::vector<std::string>& files,
                             const ByteProgress& progress) const;
  Error no_such_model(std::string_view name) const;

  std::string folder_;
};

}  // namespace aquilon::hub
