/* SPDX-License-Identifier: MIT */
/* All rules, in the type at hand. */

#include "adadelta.inc.h"
#include "adagrad.inc.h"
#include "adamw.inc.h"
#include "average.inc.h"
#include "decay.inc.h"
#include "momentum.inc.h"
#include "prepare.inc.h"
#include "rmsprop.inc.h"
#include "sgd.inc.h"
