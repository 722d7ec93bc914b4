// The two functions of libgfortran that Debian's static OpenBLAS leaves undefined. Three lines each
// keep libgfortran and libquadmath (LGPL, with relinking duties) out of the addon.
#include <string.h>

void _gfortran_concat_string(size_t, char *, size_t, const char *, size_t, const char *);
float _gfortran_etime(float *);

// ILAENV's names are put together with it: target = a // b, padded with blanks.
void _gfortran_concat_string(size_t length, char *target, size_t a_length, const char *a,
                             size_t b_length, const char *b) {
  const size_t a_used = a_length < length ? a_length : length;
  const size_t b_used = b_length < length - a_used ? b_length : length - a_used;
  memcpy(target, a, a_used);
  memcpy(target + a_used, b, b_used);
  memset(target + a_used + b_used, ' ', length - a_used - b_used);
}

// Only LAPACK's own timers (SECOND, DSECND) call it, and nothing here calls those.
float _gfortran_etime(float *times) {
  times[0] = times[1] = 0;
  return 0;
}
