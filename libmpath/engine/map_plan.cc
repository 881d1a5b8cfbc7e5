// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/engine/map_plan.h"

#include "libmpath/wire/features.h"

namespace mpath::engine {

MapPlan make_map_plan(const PlanInputs& inputs) {
  const KernelMap* kernel = inputs.kernel.get();
  policy::LayoutContext context{.wwid = inputs.wwid, .name = inputs.name};
  if (kernel != nullptr) {
    context.kernel_queues = wire::features_has(kernel->table.features, wire::queue_if_no_path);
    context.kernel_features = kernel->table.features;
  }
  context.retries_expired = inputs.retries_expired;
  context.target_version = inputs.target_version;
  policy::Layout layout = policy::lay_out(inputs.members, *inputs.settings, context);
  MultipathTable& table = layout.spec.table;
  if (inputs.queueing_disabled) table.features = wire::features_without(table.features, wire::queue_if_no_path);
  // The size of a map in use changes by resize only.
  if (kernel != nullptr && !inputs.may_resize) table.size_sectors = kernel->table.size_sectors;

  MapPlan result;
  result.queues = wire::features_has(table.features, wire::queue_if_no_path);
  result.remarks = std::move(layout.remarks);
  plan::Plan plan = plan::make_plan(layout.spec, kernel, inputs.options);
  result.messages = std::move(plan.messages);
  if (!plan.table) return result;
  if (kernel != nullptr) {
    plan::Options meanwhile = inputs.options;
    meanwhile.messages_only = true;
    result.messages = plan::make_plan(layout.spec, kernel, meanwhile).messages;
  }
  result.table = std::make_unique<const TableAction>(std::move(*plan.table));
  return result;
}

}  // namespace mpath::engine
