// SPDX-License-Identifier: Apache-2.0
#include "request/var_table.h"

namespace uwsgi {

void VarTable::Set(CgiName id, ByteView value) {
  uint16_t& position = index_[static_cast<size_t>(id)];
  if (position != 0) {
    vars_[position - 1U].value = value;
    return;
  }
  vars_.push_back({id, CgiText(id), value});
  position = static_cast<uint16_t>(vars_.size());
}

void VarTable::SetByName(ByteView name, ByteView value) {
  const CgiName id = LookUpCgi(name);
  if (id != CgiName::kUnknown) return Set(id, value);
  for (Var& var : vars_) {
    if (var.id == CgiName::kUnknown && var.name == name) {
      var.value = value;
      return;
    }
  }
  Append(name, value);
}

const Var* VarTable::Find(CgiName id) const {
  const uint16_t position = index_[static_cast<size_t>(id)];
  if (position != 0) return &vars_[position - 1U];
  for (const Var& constant : constants_) {
    if (constant.id == id) return &constant;
  }
  return nullptr;
}

const Var* VarTable::FindByName(ByteView name) const {
  for (const Var& var : vars_) {
    if (var.name == name) return &var;
  }
  for (const Var& constant : constants_) {
    if (constant.name == name) return &constant;
  }
  return nullptr;
}

void VarTable::Remove(CgiName id) {
  uint16_t& position = index_[static_cast<size_t>(id)];
  if (position == 0) return;
  vars_.erase(vars_.begin() + (position - 1));
  for (uint16_t& later : index_) {
    if (later > position) --later;
  }
  position = 0;
}

}  // namespace uwsgi
