// Folders that only this program writes: created with fixed modes, emptied without following links.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/descriptor.h"  // Descriptor
#include "base/result.h"

namespace aquilon::hub {

// Creates the folder and its missing parents, mode 0755. Errors: kPermissionDenied, kUnavailable,
// naming the part that failed and why.
Status make_folders(const std::string& path);

// Whether make_folders could and files could be made in the folder, found out by making one in the
// nearest folder that exists and removing it. Errors: as make_folders.
Status check_folder_usable(const std::string& path);

// Opens a real folder, not a link to one. Errors: kNotFound, kUnavailable.
Result<Descriptor> open_folder(const std::string& path);

// Names in it, sorted, without "." and "..". Errors: as open_folder.
Result<std::vector<std::string>> folder_entries(const std::string& path);

// Removes the folder and the files and links in it; a folder inside is an error: the store makes
// none. Errors: kNotFound, kUnavailable.
Status remove_folder(const std::string& path);

// Makes renames and removals in the folder survive a power cut. Errors: kUnavailable.
Status sync_folder(const std::string& path);

// Moves `from` to `to` in one step; a folder that stands there is swapped to `from`.
// Errors: kUnavailable.
Status move_or_swap(const std::string& from, const std::string& to);

// Size of a regular file; 0 when there is none, or a link.
std::uint64_t regular_file_bytes(const std::string& path);

// Free bytes for this person on the file system of `path` or of its nearest existing parent.
// Errors: kUnavailable.
Result<std::uint64_t> free_disk_bytes(const std::string& path);

}  // namespace aquilon::hub
