// One binary for old and new distributions. Linking takes the newest version of each symbol of
// glibc, so a build on Debian 12 (2.36) would not load where a symbol of 2.35 is missing. The calls
// that are newer than 2.28, which Node 20 itself needs, go to their older versions here: CMake
// wraps each of them (--wrap), also where OpenBLAS and libstdc++ call it.
#if defined(__linux__) && defined(__x86_64__)
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/stat.h>

#define OLD(name, version) __asm__(".symver old_" #name ", " #name "@GLIBC_" version)

OLD(exp, "2.2.5");
OLD(log, "2.2.5");
OLD(pow, "2.2.5");
OLD(hypot, "2.2.5");
OLD(hypotf, "2.2.5");
OLD(pthread_create, "2.2.5");
OLD(pthread_join, "2.2.5");
OLD(pthread_detach, "2.2.5");
OLD(pthread_once, "2.2.5");
OLD(pthread_getaffinity_np, "2.3.4");
OLD(pthread_setaffinity_np, "2.3.4");

typedef void *(*start_routine)(void *);

double old_exp(double);
double old_log(double);
double old_pow(double, double);
double old_hypot(double, double);
float old_hypotf(float, float);
int old_pthread_create(pthread_t *, const pthread_attr_t *, start_routine, void *);
int old_pthread_join(pthread_t, void **);
int old_pthread_detach(pthread_t);
int old_pthread_once(pthread_once_t *, void (*)(void));
int old_pthread_getaffinity_np(pthread_t, size_t, cpu_set_t *);
int old_pthread_setaffinity_np(pthread_t, size_t, const cpu_set_t *);
int __fxstat(int, int, struct stat *);

double __wrap_exp(double x) { return old_exp(x); }
double __wrap_log(double x) { return old_log(x); }
double __wrap_pow(double x, double y) { return old_pow(x, y); }
double __wrap_hypot(double x, double y) { return old_hypot(x, y); }
float __wrap_hypotf(float x, float y) { return old_hypotf(x, y); }

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, start_routine start,
                          void *argument) {
  return old_pthread_create(thread, attributes, start, argument);
}
int __wrap_pthread_join(pthread_t thread, void **result) {
  return old_pthread_join(thread, result);
}
int __wrap_pthread_detach(pthread_t thread) { return old_pthread_detach(thread); }
int __wrap_pthread_once(pthread_once_t *control, void (*routine)(void)) {
  return old_pthread_once(control, routine);
}
int __wrap_pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t *set) {
  return old_pthread_getaffinity_np(thread, size, set);
}
int __wrap_pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set) {
  return old_pthread_setaffinity_np(thread, size, set);
}

// Before 2.33 these were inline calls of __fxstat with the layout's version, 1 on x86-64, where
// struct stat and struct stat64 are the same.
int __wrap_fstat(int file, struct stat *status) { return __fxstat(1, file, status); }
int __wrap_fstat64(int file, struct stat *status) { return __fxstat(1, file, status); }

// libstdc++ reads it to spare atomic operations in programs of one thread. Node has many.
char __libc_single_threaded = 0;
#endif
