#include "store/failing_disk_for_test.h"

#include <sqlite3.h>

#include <atomic>
#include <cstring>

namespace aquilon::store {
namespace {

std::atomic<int> left{-1};  // operations that still work; negative: all do
std::atomic<int> failure{SQLITE_OK};
std::atomic<int> failed{0};

// What this operation ends with.
int verdict() {
  int now = left.load();
  while (now > 0 && !left.compare_exchange_weak(now, now - 1)) {
  }
  if (now != 0) return SQLITE_OK;
  ++failed;
  return failure;
}

// SQLite's own file lies right behind this one.
struct File {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_vfs* own() {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  return vfs;
}

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->real();
}

// Calls the method of the real file.
template <auto method, class... Args>
auto pass(sqlite3_file* file, Args... args) {
  sqlite3_file* r = real(file);
  return (r->pMethods->*method)(r, args...);
}

// The same, unless the disk fails.
template <auto method, class... Args>
int try_pass(sqlite3_file* file, Args... args) {
  const int code = verdict();
  return code != SQLITE_OK ? code : pass<method>(file, args...);
}

using M = sqlite3_io_methods;

const M kMethods = {
    2,
    &pass<&M::xClose>,
    &pass<&M::xRead, void*, int, sqlite3_int64>,
    &try_pass<&M::xWrite, const void*, int, sqlite3_int64>,
    &try_pass<&M::xTruncate, sqlite3_int64>,
    &try_pass<&M::xSync, int>,
    &pass<&M::xFileSize, sqlite3_int64*>,
    &pass<&M::xLock, int>,
    &pass<&M::xUnlock, int>,
    &pass<&M::xCheckReservedLock, int*>,
    &pass<&M::xFileControl, int, void*>,
    &pass<&M::xSectorSize>,
    &pass<&M::xDeviceCharacteristics>,
    &pass<&M::xShmMap, int, int, int, void volatile**>,
    &pass<&M::xShmLock, int, int, int>,
    &pass<&M::xShmBarrier>,
    &pass<&M::xShmUnmap, int>,
    nullptr,
    nullptr,
};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  const int code = own()->xOpen(own(), name, real(file), flags, out_flags);
  file->pMethods = real(file)->pMethods != nullptr ? &kMethods : nullptr;
  return code;
}

}  // namespace

void FailingDisk::install() {
  static sqlite3_vfs vfs;
  if (sqlite3_vfs_find(kName) != nullptr) return;
  vfs = *own();
  vfs.zName = kName;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + own()->szOsFile;
  vfs.xOpen = &open_file;
  sqlite3_vfs_register(&vfs, 0);
}

void FailingDisk::fail_from(int nth, int code) {
  failure = code;
  failed = 0;
  left = nth - 1;
}

int FailingDisk::works() {
  left = -1;
  return failed;
}

}  // namespace aquilon::store
