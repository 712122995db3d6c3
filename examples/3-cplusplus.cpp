// SPDX-License-Identifier: MIT
// From C++11: the optimizer in a unique_ptr, the parameters in vectors. Finds the point with the least sum of squared
// distances to three others, which is their mean, (3, 1).
#include <adadelta.h>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <vector>

struct Destroy {
    void operator()(adadelta *optimizer) const
    {
        adadelta_destroy(optimizer);
    }
};
using Optimizer = std::unique_ptr<adadelta, Destroy>;

static void check(adadelta_status status)
{
    if (status != ADADELTA_OK)
        throw std::runtime_error(adadelta_status_string(status));
}

static Optimizer make_optimizer(std::vector<double> &x, const std::vector<double> &gradient)
{
    adadelta *raw = nullptr;
    check(adadelta_create(nullptr, &raw));
    Optimizer optimizer(raw);
    adadelta_tensor tensor{};
    tensor.name = "x";
    tensor.dtype = ADADELTA_F64;
    tensor.ndim = 1;
    tensor.shape[0] = x.size();
    tensor.values = x.data();
    tensor.gradient = gradient.data();
    check(adadelta_add_group(raw, nullptr, nullptr));
    check(adadelta_add_tensor(raw, 0, &tensor, nullptr));
    return optimizer;
}

int main()
try {
    const double points[3][2] = {{1, 1}, {3, 4}, {5, -2}};
    std::vector<double> x(2), gradient(2);
    Optimizer optimizer = make_optimizer(x, gradient);

    for (int step = 0; step < 5000; step++) {
        for (std::size_t i = 0; i < x.size(); i++) {
            gradient[i] = 0;
            for (const auto &point : points)
                gradient[i] += 2 * (x[i] - point[i]);
        }
        check(adadelta_step(optimizer.get()));
    }
    std::printf("%.2f %.2f after %llu steps\n", x[0], x[1],
                static_cast<unsigned long long>(adadelta_step_count(optimizer.get())));

    // Errors are statuses; check() makes them exceptions.
    adadelta_hyper wrong = adadelta_hyper_default();
    wrong.rho = 1;
    check(adadelta_set_hyper(optimizer.get(), 0, &wrong));
    return EXIT_FAILURE;
} catch (const std::exception &error) {
    std::printf("refused: %s\n", error.what());
    return EXIT_SUCCESS;
}
