// Read only by browsers that know no modules, so nothing newer than those.
document.getElementById('status').textContent = '';
document.getElementById('problem-text').textContent =
  'This browser is too old for this page. Take a current Chrome, Edge, Firefox or Safari.';
document.getElementById('problem').removeAttribute('hidden');
