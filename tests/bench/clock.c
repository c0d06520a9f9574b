/* A wrong clock for one program: cc -shared -fPIC -o clock.so clock.c, then LD_PRELOAD=clock.so CLOCK_AHEAD=SECONDS.

   The date is moved by CLOCK_AHEAD seconds (less than zero: into the past). What counts seconds, the dates of files and
   all waiting stay as they are, as on a computer whose clock is set wrong. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead(void) {
    static long seconds;
    static int read_it;
    if (!read_it) {
        const char *given = getenv("CLOCK_AHEAD");
        seconds = given ? atol(given) : 0;
        read_it = 1;
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int code = syscall(SYS_clock_gettime, clock, now);
    if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept) *kept = now.tv_sec;
    return now.tv_sec;
}

/* The end of this waiting was reckoned with the wrong clock; the system waits by its own. */
int sem_timedwait(sem_t *restrict held, const struct timespec *restrict until) {
    typedef int (*waiting)(sem_t *, const struct timespec *);
    struct timespec end = *until;
    end.tv_sec -= ahead();
    return ((waiting)dlsym(RTLD_NEXT, "sem_timedwait"))(held, &end);
}
