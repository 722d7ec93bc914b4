// One build for every x86-64: a function marked EIGENSCAPE_INSTRUCTION_SETS is compiled three times
// (AVX-512; AVX2 with FMA; SSE2) and the dynamic linker chooses by CPU when the addon is loaded.
//
// These are the project's only macros, because an attribute cannot be named otherwise. Where the
// choice is not available (other processors, whose baseline has their vectors; musl and macOS,
// whose linkers know no indirect functions; compilers other than GCC) it is empty, and the function
// is compiled once.
//
// EIGENSCAPE_HAS_INSTRUCTION_SETS is defined where the choice is available, for templates, which
// cannot be cloned: they are written out for each set and chosen by hand
// (ops/correlation_tiles.cpp).
//
// What such a function calls is vectorised with it only if it is inlined into each version, so
// helpers are [[gnu::always_inline]]. It cannot be a template: give each type a function of its
// own.
#pragma once

#include <cstdlib>  // defines __GLIBC__

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    __GNUC__ >= 12
#define EIGENSCAPE_INSTRUCTION_SETS \
  [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#define EIGENSCAPE_HAS_INSTRUCTION_SETS 1
#else
#define EIGENSCAPE_INSTRUCTION_SETS
#endif
