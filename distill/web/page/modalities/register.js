// The kinds of input that the page takes, by the name that a manifest gives them. A modality has
//   rows             what its inputs are called
//   warmUp           an example, if there is any -> an input for the first run
//   shows            how parts of an input are shown: "spans" of a text, "columns", or "squares" of a picture
//   reduced          the graph's output that is the input in the size at which the graph looks at it, if any
//   check            an input as typed, the serving section -> the input as `values` takes it; throws InputError
//   values           inputs, one of the manifest's columns -> its values
//   read             the form's fields, the serving section -> the input, or a promise of it; null where there is none
//   fill             the form's fields, an example or null -> fills them with it, or empties them
//   listen           the form's fields -> listens for inputs that come by other ways than the fields, if there are any
//   describe         the form's fields, the limits -> what stands beside them, "" for nothing
//   occlusions       an input, the limits -> copies of it with one part left out each; null: too many
//   copiesARun       an input -> how many copies of it are run at once
//   fromServer       what was sent, a server's parts -> the same parts as the page counts
//   body             an input, the request's options -> what is sent: query, type, body, and `shown` in its place
import { image } from "./image.js";
import { tabular } from "./tabular.js";
import { text } from "./text.js";

const MODALITIES = { text, tabular, image };

export const of = (serving) => MODALITIES[serving.task];
