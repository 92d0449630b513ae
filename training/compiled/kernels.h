/* One operator forward and back. A source of an instruction set (set_*.c) defines these, and includes this:
 *
 * LANES: floats per vector.
 * TILE: outputs of a convolution 1×1 that are computed at once, a divisor of 8; 2 · TILE vectors have to fit registers.
 * ROWS: inputs whose gradients are computed at once, 1, 2 or 4; 4 · ROWS vectors have to fit registers.
 * KERNELS: the name of the table. */
#include "losses.h"
#include "pointwise.h"
#include "resize.h"
#include "strided.h"

/* The pixels under each tap of the first convolution, 3×3 with stride 2, which makes it a convolution 1×1. One more
 * channel of zeros, which is never written, makes the number of channels a multiple of 4. */
static void columns(const float *image, Index size, float *out) {
    const Index side = size / 2;
    for (Index channel = 0; channel < 27; ++channel) {
        const Index row = channel / 9, column = channel / 3 % 3;
        float *target = out + channel * plane(side);
        for (Index y = 0; y < side; ++y)
            for (Index x = 0; x < side; ++x) {
                const Index v = 2 * y + row, u = 2 * x + column;
                target[y * side + x] = v < size && u < size ? image[(v * size + u) * 3 + channel % 3] : 0;
            }
    }
}

static void forward(const Pass *pass, const Op *op) {
    const Index inputs = op->source_channels, side = op->source_side, outputs = op->target_channels;
    const float *x = pass->values + pass->offsets[op->source];
    const float *kernel = pass->parameters + op->kernel, *bias = pass->parameters + op->bias;
    float *y = pass->values + pass->offsets[op->target] + op->target_offset * plane(op->side);
    switch (op->kind) {
        case MMNET_POINTWISE:
            pointwise(pass->packed + op->kernel, bias, x, inputs, y, outputs, plane(side), padded(side),
                      op->activation ? RELU6 : LINEAR);
            break;
        case MMNET_DEPTHWISE:
            if (op->stride == 2) strided(x, kernel, bias, inputs, side, y, pass->scratch);
            else depthwise(x, kernel, bias, inputs, side, op->rate, y, pass->scratch);
            break;
        case MMNET_UPSAMPLE:
            upsample(x, inputs, side, y, grid_of(pass->plan), pass->scratch);
            break;
        default:
            head(kernel, bias[0], x, inputs, plane(side), padded(side), y);
    }
}

static void backward(const Pass *pass, const Op *op) {
    const Index inputs = op->source_channels, side = op->source_side, outputs = op->target_channels;
    const Index target = pass->offsets[op->target] + op->target_offset * plane(op->side);
    const float *x = pass->values + pass->offsets[op->source], *kernel = pass->parameters + op->kernel;
    float *source_slopes = pass->slopes + pass->offsets[op->source], *slopes = pass->slopes + target;
    float *gradients = pass->gradients + op->kernel, *of_bias = pass->gradients + op->bias;
    const int add = op->gradient == MMNET_GRADIENT_ADD;
    if (op->kind == MMNET_POINTWISE || op->kind == MMNET_DEPTHWISE)
        bias_gradients(pass->values + target, slopes, outputs, plane(op->side), padded(op->side), op->activation,
                       of_bias);
    switch (op->kind) {
        case MMNET_POINTWISE:
            pointwise_gradients(x, inputs, slopes, outputs, plane(side), padded(side), gradients);
            if (op->gradient)
                pointwise(pass->packed_back + op->kernel, NULL, slopes, outputs, source_slopes, inputs, plane(side),
                          padded(side), add ? ADDED : LINEAR);
            break;
        case MMNET_DEPTHWISE:
            if (op->stride == 2) {
                strided_backward(x, kernel, slopes, inputs, side, source_slopes, add, pass->scratch, gradients);
            } else {
                depthwise_gradients(x, slopes, inputs, side, op->rate, pass->scratch, gradients);
                depthwise_backward(slopes, kernel, inputs, side, op->rate, source_slopes, pass->scratch, add);
            }
            break;
        case MMNET_UPSAMPLE:
            upsample_backward(slopes, inputs, side, source_slopes, grid_of(pass->plan), pass->scratch, add);
            break;
        default:
            head_backward(kernel, x, slopes, inputs, plane(side), padded(side), source_slopes, add, gradients, of_bias);
    }
}

const Kernels KERNELS = {pack, columns, forward, losses, backward};
