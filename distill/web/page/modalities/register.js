// The kinds of input that the page takes, by the name that a manifest gives them. A modality has
//   rows             what its inputs are called
//   warmUp           any input, for the first run
//   shows            how parts of an input are shown: "spans" of a text, or "columns"
//   check            an input as typed, the serving section -> the input as `values` takes it; throws InputError
//   values           inputs, one of the manifest's columns -> its values
//   read             the form's fields -> the input, null where nothing was typed
//   fieldValue       an example, a column's name -> what its field is filled with
//   describe         the form's fields, the limits -> what stands beside them, "" for nothing
//   occlusions       an input, the limits -> copies of it with one part left out each; null: too many
//   size             how long an input is: a run takes fewer of long ones
//   fromServer       what was sent, a server's parts -> the same parts as the page counts
import { tabular } from "./tabular.js";
import { text } from "./text.js";

const MODALITIES = { text, tabular };

export const of = (serving) => MODALITIES[serving.task];
