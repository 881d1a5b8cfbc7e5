# SPDX-License-Identifier: LGPL-2.1-or-later
# cmake -D INPUT=file -D OUTPUT=file.cc -D SYMBOL=name -P EmbedFile.cmake
# Writes a C++ file that defines mpath::config::SYMBOL and its size: the bytes of INPUT.
file(READ ${INPUT} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "// Made from ${INPUT} by EmbedFile.cmake.\n#include <cstddef>\n
namespace mpath::config {
extern const unsigned char ${SYMBOL}[];
extern const std::size_t ${SYMBOL}_size;
const unsigned char ${SYMBOL}[] = {\n${bytes}};
const std::size_t ${SYMBOL}_size = ${size};
}  // namespace mpath::config
")
