# Compiler flags and outside packages, once for every target.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(PkgConfig REQUIRED)
pkg_check_modules(libedit REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)

add_library(aquilon_flags INTERFACE)
target_include_directories(aquilon_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(aquilon_flags INTERFACE fmt::fmt Boost::json Threads::Threads)
target_compile_options(aquilon_flags INTERFACE
  -Wall -Wextra -Werror -Wsign-compare -Wnon-virtual-dtor -Wno-missing-field-initializers
  -ffp-contract=off -fno-omit-frame-pointer -g1
  "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread>"  # false on strings (PR 105651)
  $<$<CXX_COMPILER_ID:Clang>:-Wno-gnu-statement-expression -Wno-unknown-warning-option>)
target_compile_definitions(aquilon_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED AQUILON_VERSION="${PROJECT_VERSION}")

if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(aquilon_flags INTERFACE -march=x86-64-v2)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(aquilon_flags INTERFACE -fstack-protector-strong)
  target_compile_definitions(aquilon_flags INTERFACE _FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  target_link_options(aquilon_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

if(AQUILON_SANITIZE)
  target_compile_options(aquilon_flags INTERFACE
    -fsanitize=${AQUILON_SANITIZE} -fno-sanitize-recover=all
    # Found by a crash anyway, or about types alone: a quarter of the compile time.
    $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=null,vptr,object-size,function>
    # With sanitizers GCC 12 warns of every variant that is moved: gcc.gnu.org/PR105562 and kin.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(aquilon_flags INTERFACE -fsanitize=${AQUILON_SANITIZE})
endif()
