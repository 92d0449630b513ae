/* A trainer: the memory of its threads, and the images divided among them. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "internal.h"

/* The memory of one thread: two copies of all maps, for one image. */
typedef struct {
    float *values, *slopes, *scratch;
} Arena;

struct mmnet_trainer {
    Plan plan;
    Op *ops;
    Index *offsets; /* one per map, and the floats of all maps */
    const Kernels *kernels;
    int threads;
    Arena *arenas;
    float *packed;    /* two copies of the parameters */
    float *gradients; /* one copy of the parameters per image */
    double (*losses)[LOSSES];
};

/* A call, whose images the threads take one by one. */
typedef struct {
    const mmnet_trainer *trainer;
    const float *parameters, *images, *mattes; /* without mattes only alphas are computed */
    float *alphas;
    int count;
    atomic_int next;
} Call;

typedef struct {
    Call *call;
    const Arena *arena;
} Worker;

int mmnet_train_version(void) { return MMNET_TRAIN_VERSION; }

int mmnet_train_has(int set) {
    if (set == MMNET_TRAIN_ANY) return 1;
#if defined(MMNET_TRAIN_X86)
    __builtin_cpu_init();
    if (set == MMNET_TRAIN_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (set == MMNET_TRAIN_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("fma");
#endif
    return 0;
}

static const Kernels *kernels_of(int set) {
#if defined(MMNET_TRAIN_X86)
    if (set == MMNET_TRAIN_AVX512) return &mmnet_train_avx512;
    if (set == MMNET_TRAIN_AVX2) return &mmnet_train_avx2;
#endif
    (void)set;
    return &mmnet_train_any;
}

/* Zeros: what lies between the maps is read, and has to be a number. */
static float *floats(Index count) { return calloc((size_t)count, sizeof(float)); }

static int take_memory(mmnet_trainer *t, const Op *ops, const int32_t *maps) {
    const Plan *plan = &t->plan;
    t->ops = calloc((size_t)plan->ops, sizeof *t->ops);
    t->offsets = calloc((size_t)plan->maps + 1, sizeof *t->offsets);
    t->arenas = calloc((size_t)t->threads, sizeof *t->arenas);
    t->losses = calloc((size_t)plan->images, sizeof *t->losses);
    t->packed = floats(2 * (Index)plan->parameters);
    t->gradients = floats((Index)plan->images * plan->parameters);
    if (!t->ops || !t->offsets || !t->arenas || !t->losses || !t->packed || !t->gradients) return 0;
    memcpy(t->ops, ops, sizeof *ops * (size_t)plan->ops);
    for (int i = 0; i < plan->maps; ++i) t->offsets[i + 1] = t->offsets[i] + maps[2 * i] * plane(maps[2 * i + 1]);
    for (int i = 0; i < t->threads; ++i) {
        Arena *arena = t->arenas + i;
        arena->values = floats(t->offsets[plan->maps]);
        arena->slopes = floats(t->offsets[plan->maps]);
        arena->scratch = floats(scratch_size(plan->size));
        if (!arena->values || !arena->slopes || !arena->scratch) return 0;
    }
    return 1;
}

mmnet_trainer *mmnet_train_open(const mmnet_train_plan *plan, const mmnet_train_op *ops, const int32_t *maps,
                                int32_t threads, int32_t set) {
    mmnet_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer) return NULL;
    trainer->plan = *plan;
    trainer->threads = threads;
    trainer->kernels = kernels_of(set);
    if (take_memory(trainer, ops, maps)) return trainer;
    mmnet_train_close(trainer);
    return NULL;
}

void mmnet_train_close(mmnet_trainer *trainer) {
    if (!trainer) return;
    for (int i = 0; trainer->arenas && i < trainer->threads; ++i) {
        free(trainer->arenas[i].values);
        free(trainer->arenas[i].slopes);
        free(trainer->arenas[i].scratch);
    }
    free(trainer->arenas);
    free(trainer->ops);
    free(trainer->offsets);
    free(trainer->losses);
    free(trainer->packed);
    free(trainer->gradients);
    free(trainer);
}

static void compute_image(const Call *call, const Pass *pass, int number) {
    const mmnet_trainer *t = call->trainer;
    const Index pixels = (Index)t->plan.size * t->plan.size;
    const float *image = call->images + 3 * pixels * number;
    t->kernels->columns(image, t->plan.size, pass->values);
    for (int i = 0; i < t->plan.ops; ++i) t->kernels->forward(pass, t->ops + i);
    if (call->mattes) {
        memset(pass->gradients, 0, sizeof(float) * (size_t)t->plan.parameters);
        t->kernels->losses(pass, image, call->mattes + pixels * number);
        for (int i = t->plan.ops - 1; i >= 0; --i) t->kernels->backward(pass, t->ops + i);
    } else {
        const float *logits = pass->values + t->offsets[t->plan.alpha_map];
        float *alphas = call->alphas + pixels * number;
        for (Index i = 0; i < pixels; ++i) alphas[i] = 1 / (1 + expf(-logits[i]));
    }
}

static void *work(void *argument) {
    const Worker *worker = argument;
    Call *call = worker->call;
    const mmnet_trainer *t = call->trainer;
    const Arena *arena = worker->arena;
    for (int i = atomic_fetch_add(&call->next, 1); i < call->count; i = atomic_fetch_add(&call->next, 1)) {
        const int slot = call->mattes ? i : 0; /* alphas use neither */
        const Pass pass = {
            &t->plan,       t->offsets,    call->parameters, t->packed, t->packed + t->plan.parameters, arena->values,
            arena->slopes,  arena->scratch, t->gradients + (Index)slot * t->plan.parameters, t->losses[slot],
        };
        compute_image(call, &pass, i);
    }
    return NULL;
}

/* Run a call. Threads that cannot be had are missed by nobody: the others take their images. */
static void run(Call *call) {
    const mmnet_trainer *t = call->trainer;
    enum { MOST = 64 };
    const int threads = t->threads < MOST ? t->threads : MOST;
    pthread_t others[MOST];
    Worker workers[MOST];
    int started = 1;
    for (int i = 0; i < t->plan.ops; ++i)
        if (t->ops[i].kind == MMNET_POINTWISE)
            t->kernels->pack(t->ops + i, call->parameters, t->packed, t->packed + t->plan.parameters);
    for (int i = 0; i < threads; ++i) workers[i] = (Worker){call, t->arenas + i};
    while (started < threads && started < call->count &&
           !pthread_create(others + started, NULL, work, workers + started))
        ++started;
    work(workers);
    for (int i = 1; i < started; ++i) pthread_join(others[i], NULL);
}

void mmnet_train_step(mmnet_trainer *trainer, const float *parameters, const float *images, const float *mattes,
                      float *gradients, double *losses) {
    const int count = trainer->plan.images;
    Call call = {trainer, parameters, images, mattes, NULL, count, 0};
    run(&call);
    const Index size = trainer->plan.parameters;
    memset(gradients, 0, sizeof(float) * (size_t)size);
    memset(losses, 0, sizeof(double) * LOSSES);
    for (int n = 0; n < count; ++n) {
        for (Index i = 0; i < size; ++i) gradients[i] += trainer->gradients[n * size + i];
        for (int i = 0; i < LOSSES; ++i) losses[i] += trainer->losses[n][i];
    }
}

void mmnet_train_alphas(mmnet_trainer *trainer, const float *parameters, const float *images, int32_t count,
                        float *alphas) {
    Call call = {trainer, parameters, images, NULL, alphas, count, 0};
    run(&call);
}
