/**
 * Names of result files, as `mmnet matte` gives them: the photo's name without its ending, then the kind of the result.
 *
 * @typedef {{suffix: string, ending: string}} NameEnd what the name ends in, such as 'cutout' and 'png'
 */

/**
 * Returns the names of the results of several photos: me.jpg → me-cutout.png.
 *
 * Photos of one stem, such as a.jpg and a.avif, keep their endings: a.jpg-cutout.png and a.avif-cutout.png. No two results
 * have one name, and none has that of a photo. File systems may ignore case, so this does, too.
 *
 * @param {string[]} photos their names
 * @param {NameEnd} end
 * @returns {string[]} one name per photo
 */
export function resultNames(photos, {suffix, ending}) {
  const stems = photos.map((name) => stemOf(name).toLowerCase());
  const isShared = (/** @type {string} */ stem) => stems.indexOf(stem) !== stems.lastIndexOf(stem);
  const taken = new Set(photos.map((name) => name.toLowerCase()));
  return photos.map((photo, index) => {
    const stem = isShared(stems[index]) ? photo : stemOf(photo);
    let name = `${stem}-${suffix}.${ending}`;
    for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${stem}-${suffix}-${number}.${ending}`;
    taken.add(name.toLowerCase());
    return name;
  });
}

/** @param {string} name @returns {string} without its ending; a name that begins with its only dot has none. */
function stemOf(name) {
  return name.replace(/(?<=.)\.[^.]+$/, '') || 'photo';
}
