// One build for every x86-64: a function marked EIGENSCAPE_INSTRUCTION_SETS is compiled three times
// (AVX-512; AVX2 with FMA; SSE2) and the dynamic linker chooses by CPU when the addon is loaded.
//
// These are the project's only macros, because an attribute cannot be named otherwise. Where the
// choice is not available (other processors, whose baseline has their vectors; musl and macOS,
// whose linkers know no indirect functions; compilers other than GCC) it is empty, and the function
// is compiled once.
//
// EIGENSCAPE_HAS_INSTRUCTION_SETS is defined where the choice is available, for templates, which
// cannot be cloned: they are written out for each set, with vectors of its width, and chosen by
// instruction_set() (eigensolver/tile_kernels.cpp).
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

namespace eigenscape {

enum class InstructionSet {
  baseline,  // the compiler's for this kind of processor: SSE2, NEON
  v3,        // x86-64-v3: AVX2 and FMA, sixteen vectors of 32 bytes
  v4,        // x86-64-v4: AVX-512, thirty-two vectors of 64 bytes
};

/// The best that this processor has.
inline InstructionSet instruction_set() {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  static const InstructionSet best = __builtin_cpu_supports("x86-64-v4") ? InstructionSet::v4
                                     : __builtin_cpu_supports("x86-64-v3")
                                         ? InstructionSet::v3
                                         : InstructionSet::baseline;
  return best;
#else
  return InstructionSet::baseline;
#endif
}

}  // namespace eigenscape
