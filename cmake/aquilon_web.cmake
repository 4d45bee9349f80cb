# Library aq_web: the built page in AQUILON_WEB_DIST as a table of files, see src/api/web_assets.h.
# Defined only where the page is wanted and built; the caller falls back to an empty table.

set(AQUILON_WEB_DIST ${CMAKE_SOURCE_DIR}/build/web/dist CACHE PATH "The page, as built by vite")

# Also looks whether the page came or went since the last build.
file(GLOB_RECURSE aq_web_files CONFIGURE_DEPENDS ${AQUILON_WEB_DIST}/*)

if(AQUILON_UI AND EXISTS ${AQUILON_WEB_DIST}/index.html)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(aq_web_table ${CMAKE_BINARY_DIR}/generated/web_assets.cpp)
  add_custom_command(
    OUTPUT ${aq_web_table}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/embed_web.py ${aq_web_table} ${AQUILON_WEB_DIST}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed_web.py ${aq_web_files}
    COMMENT "Embedding the page"
    VERBATIM)
  add_library(aq_web STATIC ${aq_web_table})
  target_link_libraries(aq_web PRIVATE aquilon_flags)
elseif(AQUILON_UI)
  message(STATUS "No page in ${AQUILON_WEB_DIST}: building without it (`./run build` makes it)")
endif()
