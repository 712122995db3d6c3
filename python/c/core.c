/* SPDX-License-Identifier: MIT */
/* The extension module adadelta._core. */
#include "core.h"

#include "forked.h"

/* The defaults of a method, by name. */
static PyObject *hyper(PyObject *module, PyObject *name)
{
    (void)module;
    const int method = choice_by_name(CHOICE_METHOD, "method", name);
    if (method < 0)
        return NULL;
    const struct adadelta_hyper defaults = adadelta_hyper_for((enum adadelta_method)method);
    return fields_dict(hyper_fields, &defaults);
}

static PyObject *isa(PyObject *module, PyObject *nothing)
{
    (void)module, (void)nothing;
    return PyUnicode_FromString(adadelta_isa_name());
}

/* The settings of the presets, {name: {"hyper": ..., "gradients": ...}}. */
static PyObject *presets(void)
{
    PyObject *all = PyDict_New();
    const struct adadelta_preset *preset;
    for (size_t k = 0; all && (preset = adadelta_preset_at(k)); k++) {
        PyObject *one = Py_BuildValue("{s:N, s:N}", "hyper", fields_dict(hyper_fields, &preset->hyper), "gradients",
                                      fields_dict(gradients_fields, &preset->gradients));
        if (!one || PyDict_SetItemString(all, preset->name, one))
            Py_CLEAR(all);
        Py_XDECREF(one);
    }
    return all;
}

/* The defaults of all structs, {"options": {...}, ...}. */
static PyObject *defaults(void)
{
    const struct adadelta_options options = adadelta_options_default();
    const struct adadelta_gradients gradients = adadelta_gradients_default();
    const struct adadelta_schedule schedule = adadelta_schedule_default();
    const struct adadelta_tensor tensor = {.name = NULL};
    const struct adadelta_minimize_options minimizing = adadelta_minimize_options_default();
    return Py_BuildValue("{s:N, s:N, s:N, s:N, s:N}", "options", fields_dict(options_fields, &options), "gradients",
                         fields_dict(gradients_fields, &gradients), "schedule", fields_dict(schedule_fields, &schedule),
                         "tensor", fields_dict(tensor_fields, &tensor), "minimize",
                         fields_dict(minimize_fields, &minimizing));
}

static int add_object(PyObject *module, const char *name, PyObject *object)
{
    return object ? PyModule_AddObject(module, name, object) : -1;
}

static int fill(PyObject *module)
{
    PyObject *type = optimizer_type();
    Py_XINCREF(type);
    return lent_array_ready(module) || forked_ready() || errors_add(module) || names_add(module) ||
                   add_object(module, "Optimizer", type) ||
                   add_object(module, "version", PyUnicode_FromString(adadelta_version_string())) ||
                   add_object(module, "presets", presets()) || add_object(module, "defaults", defaults()) ||
                   add_object(module, "successes",
                              Py_BuildValue("(ii)", ADADELTA_MINIMIZE_TARGET, ADADELTA_MINIMIZE_CONVERGED))
               ? -1
               : 0;
}

static PyMethodDef functions[] = {
    {"hyper", hyper, METH_O, "hyper(method) -> the method's default settings"},
    {"isa", isa, METH_NOARGS, "isa() -> the instruction set in use"},
    {"minimize", (PyCFunction)(void (*)(void))minimize, METH_VARARGS | METH_KEYWORDS, minimize_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "adadelta._core", .m_doc = "The C library's public header for Python.",
    .m_size = -1,          .m_methods = functions,
};

PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module && fill(module))
        Py_CLEAR(module);
    return module;
}
