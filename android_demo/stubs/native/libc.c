/* The names that libmmnet.so takes from Android's C library. It is linked against this, and loads the real one. */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *to, int value, size_t count);

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    (void)from, (void)count;
    return to;
}

void *memset(void *to, int value, size_t count) {
    (void)value, (void)count;
    return to;
}
