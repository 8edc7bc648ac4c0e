package dev.symbiont.contract;

/// Some more of an answer that is on its way. Nobody keeps it: the end of the call has all of it.
///
/// @param model that answers
/// @param at how many characters came before; 0 again if the answer is begun anew
public record PartialText(String taskId, String callId, String model, int at, String text)
    implements Message {

  public PartialText {
    InvalidFieldException.require("task_id", taskId);
    InvalidFieldException.require("call_id", callId);
    InvalidFieldException.require("model", model);
    InvalidFieldException.require("text", text);
  }
}
