# SPDX-License-Identifier: LGPL-2.1-or-later
# Compiler settings and the one function that declares a layer of the library.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # ccache needs to be told that a precompiled header may stand in for its text.
  foreach(language C CXX)
    set(CMAKE_${language}_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
  endforeach()
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
pkg_check_modules(DEVMAPPER REQUIRED IMPORTED_TARGET devmapper)
pkg_check_modules(UDEV REQUIRED IMPORTED_TARGET libudev)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)

add_library(mpath_flags INTERFACE)
target_compile_options(mpath_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wswitch-enum -Wcast-align -Wformat=2 -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique -Wno-interference-size>
  $<$<BOOL:${MULTIPATH_WERROR}>:-Werror>)
if(MULTIPATH_SANITIZE)
  target_compile_options(mpath_flags INTERFACE
    -fsanitize=${MULTIPATH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    # With sanitizers g++ 12 takes the alternatives of a variant that are not in use for values that are read.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  # What sanitizers put into a program is a million pointers: at a fixed address nobody has to relocate them whenever it starts, which
  # in the lab's emulated machine is half of the time that a client takes.
  target_link_options(mpath_flags INTERFACE -fsanitize=${MULTIPATH_SANITIZE}
    $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-no-pie>)
endif()
target_include_directories(mpath_flags INTERFACE ${CMAKE_SOURCE_DIR})

# One precompiled header for the whole tree: the standard headers that nearly every file uses.
add_library(mpath_pch OBJECT ${CMAKE_SOURCE_DIR}/cmake/precompiled.cc)
target_link_libraries(mpath_pch PUBLIC mpath_flags fmt::fmt)
target_precompile_headers(mpath_pch PRIVATE
  <algorithm> <array> <chrono> <compare> <cstddef> <cstdint> <expected> <functional> <map>
  <memory> <optional> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>
  <fmt/format.h>)

function(mpath_reuse_precompiled target)
  # Programs would be compiled with -fPIE, for which a header precompiled with -fPIC is not valid.
  target_compile_options(${target} PRIVATE -fPIC)
  target_precompile_headers(${target} REUSE_FROM mpath_pch)
endfunction()

# mpath_layer(NAME [layers to the left it may use...] [EXTERNAL libraries...])
# Declares the static library mpath_NAME from libmpath/NAME/*.cc.
function(mpath_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "EXTERNAL")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/libmpath/${name}/*.cc)
  set(target mpath_${name})
  if(sources)
    set(scope PUBLIC)
    add_library(${target} STATIC ${sources})
    mpath_reuse_precompiled(${target})
  else()
    set(scope INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  target_link_libraries(${target} ${scope} mpath_flags fmt::fmt ${layer_EXTERNAL})
  foreach(left ${layer_UNPARSED_ARGUMENTS})
    target_link_libraries(${target} ${scope} mpath_${left})
  endforeach()
endfunction()

# mpath_tidy(LAYERS...): in the preset "tidy", clang-tidy reads their files as they are compiled; the target "tidy" is all of them.
function(mpath_tidy)
  if(NOT MULTIPATH_TIDY)
    return()
  endif()
  find_program(CLANG_TIDY_PROGRAM clang-tidy-19 REQUIRED)
  add_custom_target(tidy)
  foreach(name ${ARGN})
    set_target_properties(mpath_${name} PROPERTIES CXX_CLANG_TIDY "${CLANG_TIDY_PROGRAM};--quiet")
    add_dependencies(tidy mpath_${name})
  endforeach()
endfunction()

# mpath_embed(TARGET SYMBOL FILE): the bytes of FILE become mpath::config::SYMBOL in TARGET.
function(mpath_embed target symbol input)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cc)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -D INPUT=${input} -D OUTPUT=${output} -D SYMBOL=${symbol}
            -P ${CMAKE_SOURCE_DIR}/cmake/EmbedFile.cmake
    DEPENDS ${input} ${CMAKE_SOURCE_DIR}/cmake/EmbedFile.cmake)
  target_sources(${target} PRIVATE ${output})
endfunction()
