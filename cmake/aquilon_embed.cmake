# aq_embed_text(LAYER SYMBOL FILE): adds to the layer's library a source that defines
# `extern const char SYMBOL[]` in namespace aquilon::LAYER: the text of FILE, as it was when built.
function(aq_embed_text layer symbol file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${file})
  file(READ ${CMAKE_SOURCE_DIR}/${file} text)
  string(CONCAT source
    "namespace aquilon::${layer} {\n"
    "extern const char ${symbol}[];\n"
    "const char ${symbol}[] = R\"aq_embed(${text})aq_embed\";\n"
    "}  // namespace aquilon::${layer}\n")
  set(output ${CMAKE_BINARY_DIR}/embedded/${symbol}.cpp)
  file(CONFIGURE OUTPUT ${output} CONTENT "@source@" @ONLY)
  target_sources(aq_${layer} PRIVATE ${output})
endfunction()
